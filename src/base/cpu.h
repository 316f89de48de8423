/* base/cpu.h: which instruction sets this processor offers. */
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include "ingot/base.h"

ig_cpu ig_cpu_best(void);       /* the highest level that this processor runs */
bool ig_cpu_has_bf16(void);     /* avx512_bf16 */
bool ig_cpu_has_sse42(void);
int ig_cpu_cores(void);         /* cores this process may use: affinity mask and container quota; at least 1 */

#endif
