"""Tables for recipes/zh-sentiment-*.yaml out of the archive zh-sentiment:   tools/zh_sentiment_tables.py [FOLDER]

    FOLDER/chnsenticorp.zip, online_shopping_10_cats.zip, waimai_10k.csv, ChnSentiCorp_htl_all.csv     (tools/unpack_data.sh zh-sentiment)
    FOLDER/tables/reviews.tsv                 the other three sets, without every text that ChnSentiCorp holds out
    FOLDER/tables/train.tsv, dev.tsv, test.tsv        ChnSentiCorp as it is
    FOLDER/tables/test-new.tsv                the test texts that do not occur in train.tsv

Texts are compared without punctuation and spaces.
"""
import csv
import io
import pathlib
import re
import sys
import zipfile


def letters(text):
    return re.sub(r"\W+", "", text)


def member(folder, archive, name):
    with zipfile.ZipFile(folder / archive) as z:
        path = next(n for n in z.namelist() if n.endswith(name) and "__MACOSX" not in n)
        return z.read(path).decode("utf-8-sig")


def chnsenticorp(folder, part):
    lines = member(folder, "chnsenticorp.zip", f"{part}.tsv").split("\n")[1:]
    return [tuple(line.rstrip("\r").split("\t", 1)) for line in lines if "\t" in line]


def reviews(text):
    for row in csv.DictReader(io.StringIO(text)):
        clean = re.sub(r"[\t\r\n]+", " ", row["review"] or "").strip()
        if len(letters(clean)) > 1:
            yield row["label"], clean


def write(path, rows):
    path.write_text("label\ttext\n" + "".join(f"{label}\t{text}\n" for label, text in rows), encoding="utf-8")


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/data/zh-sentiment")
    train, dev, test = (chnsenticorp(folder, part) for part in ("train", "dev", "test"))
    held = {letters(text) for _, text in dev + test}
    known = {letters(text) for _, text in train}
    sources = [member(folder, "online_shopping_10_cats.zip", "online_shopping_10_cats.csv")]
    sources += [(folder / name).read_text(encoding="utf-8-sig") for name in ("waimai_10k.csv", "ChnSentiCorp_htl_all.csv")]
    out = folder / "tables"
    out.mkdir(exist_ok=True)
    write(out / "reviews.tsv", (r for s in sources for r in reviews(s) if letters(r[1]) not in held))
    write(out / "train.tsv", train)
    write(out / "dev.tsv", dev)
    write(out / "test.tsv", test)
    write(out / "test-new.tsv", (r for r in test if letters(r[1]) not in known))


if __name__ == "__main__":
    main()
