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
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
WORD_STYLES = (f'{HEAD}<w:styles {W}><w:style w:type="paragraph" w:styleId="1"><w:name w:val="heading 1"/></w:style>'
               '<w:style w:type="paragraph" w:styleId="a7"><w:name w:val="heading 2"/></w:style>'
               '<w:style w:type="paragraph" w:styleId="n"><w:name w:val="Normal"/></w:style></w:styles>')
WORD = (f'{HEAD}<w:document {W}><w:body>'
        '<w:p><w:pPr><w:pStyle w:val="1"/></w:pPr><w:r><w:t>Returns</w:t></w:r></w:p>'
        '<w:p><w:pPr><w:pStyle w:val="n"/></w:pPr><w:r><w:t xml:space="preserve">Send it </w:t></w:r><w:r><w:t>back &amp; wait.</w:t></w:r></w:p>'
        '<w:p><w:r><w:delText>deleted</w:delText></w:r><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>'
        '<w:p><w:pPr><w:pStyle w:val="a7"/></w:pPr><w:r><w:t>退款</w:t></w:r></w:p>'
        '<w:tbl><w:tr><w:tc><w:p><w:r><w:t>card</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>3</w:t><w:tab/><w:t>days</w:t></w:r></w:p></w:tc>'
        '</w:tr></w:tbl><w:p><w:r><w:t>One</w:t><w:br/><w:t>two.</w:t></w:r></w:p></w:body></w:document>')
BOOK = {"xl/workbook.xml": WORKBOOK, "xl/_rels/workbook.xml.rels": RELS, "xl/styles.xml": STYLES, "xl/sharedStrings.xml": STRINGS,
        "xl/worksheets/sheet2.xml": SHEET}


def write(name, parts):
    with zipfile.ZipFile(FOLDER / name, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for part, text in parts.items():
            z.writestr(zipfile.ZipInfo(part, (2026, 11, 24, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)


def write_pdf(name):
    """Two pages: Helvetica, then glyphs without a font that a ToUnicode table names."""
    to_unicode = ("/CIDInit /ProcSet findresource begin begincmap /CMapName /U def /CMapType 2 def 1 begincodespacerange <0000> <ffff> "
                  "endcodespacerange 1 beginbfrange <0001> <0004> [<9000> <6b3e> <4e09> <5929>] endbfrange endcmap end")
    english = ("BT /F1 12 Tf 14 TL 72 700 Td (Send it back within) Tj T* (thirty days.) Tj 0 -60 Td (The money follows.) Tj ET")
    chinese = "BT /F2 12 Tf 14 TL 72 700 Td <00010002> Tj T* <00030004> Tj ET"

    def stream(text):
        return f"<< /Length {len(text)} >>\nstream\n{text}\nendstream"

    def page(content):
        return (f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R "
                "/Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>")
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>", page(9), page(10),
               "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
               "<< /Type /Font /Subtype /Type0 /BaseFont /Song /Encoding /Identity-H /DescendantFonts [7 0 R] /ToUnicode 11 0 R >>",
               "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Song /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) "
               "/Supplement 0 >> /FontDescriptor 8 0 R /DW 1000 >>",
               "<< /Type /FontDescriptor /FontName /Song /Flags 4 /FontBBox [0 0 1000 1000] /ItalicAngle 0 /Ascent 900 /Descent -100 "
               "/CapHeight 900 /StemV 80 >>", stream(english), stream(chinese), stream(to_unicode)]
    out, places = "%PDF-1.4\n", []
    for i, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{i} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{at:010d} 00000 n \n" for at in places)
    out += (f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(places) + 1} /Root 1 0 R >>\n"
            f"startxref\n{len(out)}\n%%EOF\n")
    (FOLDER / name).write_bytes(out.encode("latin-1"))


def main():
    FOLDER.mkdir(exist_ok=True)
    write("faq.xlsx", BOOK)
    write("help.docx", {"word/document.xml": WORD, "word/styles.xml": WORD_STYLES})
    write_pdf("help.pdf")
    write("bomb.xlsx", BOOK | {"xl/worksheets/sheet2.xml": SHEET.replace("</sheetData>", " " * (8 << 20) + "</sheetData>")})
    write("doctype.xlsx", BOOK | {"xl/worksheets/sheet2.xml": SHEET.replace("<worksheet", '<!DOCTYPE w [<!ENTITY a "b">]><worksheet')})
    write("no_string.xlsx", BOOK | {"xl/sharedStrings.xml": f"{HEAD}<sst {S}/>"})
    write("no_sheet.xlsx", {k: v for k, v in BOOK.items() if "sheet2" not in k})


if __name__ == "__main__":
    main()
