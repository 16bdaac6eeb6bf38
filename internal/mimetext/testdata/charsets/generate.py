#!/usr/bin/env python3
"""Writes what Python's codecs read: johab.txt, euc-jis-2004.txt and shift_jis-2004.txt.

A line is the bytes that lead, in hexadecimal, and the characters behind them by their last byte: from 31 on for Johab, 40
on for Shift JIS, a1 on for EUC. A blank is none, a + stands before a character that is two.
"""
import os

HERE = os.path.dirname(os.path.abspath(__file__))


def read(codec, b):
    try:
        text = b.decode(codec)
    except UnicodeDecodeError:
        return " "
    return "+" + text if len(text) == 2 else text


def write(name, codec, leads, first):
    with open(os.path.join(HERE, name + ".txt"), "w", encoding="utf-8", newline="\n") as f:
        for lead in leads:
            cells = "".join(read(codec, lead + bytes([c])) for c in range(first, 0xFF))
            if cells.strip():
                f.write(lead.hex() + " " + cells.rstrip() + "\n")


def main():
    write("johab", "johab", [bytes([c]) for c in range(0x80, 0x100)], 0x31)
    write("shift_jis-2004", "shift_jis_2004", [bytes([c]) for c in range(0x81, 0xFD) if not 0xA0 <= c <= 0xDF], 0x40)
    rows = [1, 3, 4, 5, 8, 12, 13, 14, 15] + list(range(78, 95))  # of the second plane; the others are JIS X 0212
    leads = [bytes([0xA0 + r]) for r in range(1, 95)] + [bytes([0x8F, 0xA0 + r]) for r in rows]
    write("euc-jis-2004", "euc_jis_2004", leads, 0xA1)


if __name__ == "__main__":
    main()
