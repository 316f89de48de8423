/* shared/thumb.ts: the outline of a hand with its thumb up, 24 by 24; turned round it is a thumb down. Drawn here, since not every
 * machine has letters for it. */
export const thumbUp =
  "M7 10v11H3V10zM7 10l4.5-7.2c1.6 0 2.5 1.1 2.2 2.6L12.9 9H19a2 2 0 0 1 2 2.4l-1.4 7.2A3 3 0 0 1 16.7 21H7";
