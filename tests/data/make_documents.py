#!/usr/bin/env python3
"""Writes tests/data/documents/: office files made by hand, good and hostile.   tests/data/make_documents.py"""
import pathlib
import zipfile

FOLDER = pathlib.Path(__file__).parent / "documents"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
WORKBOOK = (f'{HEAD}<workbook {S} {R}><sheets><sheet name="notes" sheetId="1" state="hidden" r:id="rId9"/>'
            '<sheet name="faq" sheetId="2" r:id="rId2"/></sheets></workbook>')
RELS = f'{HEAD}<Relationships><Relationship Id="rId2" Target="worksheets/sheet2.xml"/></Relationships>'
STYLES = (f'{HEAD}<styleSheet {S}><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/></numFmts>'
          '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs></styleSheet>')
STRINGS = (f'{HEAD}<sst {S}><si><t>问题</t></si><si><t>answer</t></si><si><t>怎么退款？</t></si>'
           '<si><r><t>rich </t></r><r><t>text</t></r><rPh sb="0" eb="1"><t>read aloud</t></rPh></si></sst>')
SHEET = (f'{HEAD}<worksheet {S}><sheetData>'
         '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>date</t></is></c>'
         '<c r="D1" t="str"><v>number</v></c><c r="E1" t="str"><v>flag</v></c></row>'
         '<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="inlineStr"><is><t>3 days &amp; more</t></is></c><c r="C2" s="1"><v>46350</v></c>'
         '<c r="D2"><v>0.10000000000000001</v></c><c r="E2" t="b"><v>1</v></c></row>'
         '<row r="4"><c r="A4" t="inlineStr"><is><t>How long?</t></is></c><c r="B4" t="s"><v>3</v></c>'
         '<c r="C4" s="2"><v>46350.395833333336</v></c><c r="D4"><v>1234567890123</v></c></row></sheetData></worksheet>')
BOOK = {"xl/workbook.xml": WORKBOOK, "xl/_rels/workbook.xml.rels": RELS, "xl/styles.xml": STYLES, "xl/sharedStrings.xml": STRINGS,
        "xl/worksheets/sheet2.xml": SHEET}


def write(name, parts):
    with zipfile.ZipFile(FOLDER / name, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for part, text in parts.items():
            z.writestr(zipfile.ZipInfo(part, (2026, 11, 24, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)


def main():
    FOLDER.mkdir(exist_ok=True)
    write("faq.xlsx", BOOK)
    write("bomb.xlsx", BOOK | {"xl/worksheets/sheet2.xml": SHEET.replace("</sheetData>", " " * (8 << 20) + "</sheetData>")})
    write("doctype.xlsx", BOOK | {"xl/worksheets/sheet2.xml": SHEET.replace("<worksheet", '<!DOCTYPE w [<!ENTITY a "b">]><worksheet')})
    write("no_string.xlsx", BOOK | {"xl/sharedStrings.xml": f"{HEAD}<sst {S}/>"})
    write("no_sheet.xlsx", {k: v for k, v in BOOK.items() if "sheet2" not in k})


if __name__ == "__main__":
    main()
