#!/usr/bin/env python3
"""Writes generated.jsonl: headers made by Python's email package with every character set that it has.

Each line is {"kind": "text" or "param", "charset": ..., "in": header value in base64, "want": the text}.
"""
import base64
import encodings.aliases
import json
import os
from email.charset import BASE64, QP, Charset
from email.header import Header

SAMPLES = [
    "Grüße aus Köln, schöne Übungen für alle", "Élève à l’école où ça va très bien", "Zażółć gęślą jaźń i łódź", "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "Добрый день, отчёт за март готов", "Καλημέρα σας, η αναφορά", "שלום עולם ומה שלומך", "مرحبا بالعالم اليوم", "สวัสดีชาวโลกวันนี้", "日本語の件名です、テスト",
    "中文主题测试报告", "繁體中文主題測試報告", "한국어 제목 시험 보고서", "Türkçe başlık, ığüşöç İ", "Ķekava, ģimene, ļoti ērti", "Xin chào thế giới", "£ and ¥ and §", "ｱｲｳｴｵ half width",
    "Қазақ тілі", "Тоҷикӣ ҳам", "😀 emoji 🎉 text", "café",
]


def codecs():
    skip = {"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec", "mbcs", "ascii"}
    return sorted(set(encodings.aliases.aliases.values()) - skip | {"koi8_u", "koi8_t", "cp720", "cp737", "cp856", "cp874", "cp1006", "utf_8_sig"})


def encodable(codec):
    for text in SAMPLES:
        try:
            if text.encode(codec).decode(codec) == text and not text.isascii():
                yield text
        except UnicodeError:
            pass


def words(text, codec, label):
    for encoding in (BASE64, QP):
        if encoding == QP and codec.startswith(("utf_16", "utf_32", "cp037", "cp1026", "cp1140", "cp273", "cp424", "cp500")):
            continue  # Q is for what is ASCII below 128
        charset = Charset(label)
        charset.header_encoding = encoding
        charset.input_codec = charset.output_codec = codec
        charset.input_charset = charset.output_charset = label
        for length in (76, 40):
            yield Header(text, charset, maxlinelen=length, header_name="Subject").encode(linesep="\r\n")


def main():
    lines = []
    for codec in codecs():
        label = codec.replace("_", "-")
        for text in list(encodable(codec))[:3]:
            for value in dict.fromkeys(words(text, codec, label)):
                lines.append({"kind": "text", "charset": codec, "in": value, "want": text})
            name = text + ".pdf"
            quoted = "".join("%%%02X" % b for b in name.encode(codec))
            lines.append({"kind": "param", "charset": codec, "in": "attachment; filename*=%s''%s" % (label, quoted), "want": name})
            half = len(quoted) // 6 * 3
            lines.append({"kind": "param", "charset": codec, "in": "attachment; filename*0*=%s''%s; filename*1*=%s" % (label, quoted[:half], quoted[half:]), "want": name})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "generated.jsonl")
    with open(path, "w", encoding="ascii") as f:
        for line in lines:
            line["in"] = base64.b64encode(line["in"].encode("ascii")).decode()
            f.write(json.dumps(line) + "\n")
    print(len(lines), "headers,", len({line["charset"] for line in lines}), "character sets")


if __name__ == "__main__":
    main()
