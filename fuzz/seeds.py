#!/usr/bin/env python3
"""Writes the first corpus of the fuzz targets into a folder: every description of the repository, with the files that it
uses set behind it, and every example of docs/language.md. What fuzzing has found beyond them stands in fuzz/seeds.

    python3 fuzz/seeds.py FOLDER
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The annotations of a case: comments that say which message is expected where.
ANNOTATION = re.compile(r"^\s*//\s*(\^|-{2,}|error|warning|\||=).*\n", re.MULTILINE)

# The files that a text names: what it uses, and labels.
FILES = re.compile(r'(?:use|labels \w+:) "([^"\n]+)"')


def with_uses(path: pathlib.Path) -> str:
    """The text and, each behind a line with its name, the files that it and they use."""
    text = ANNOTATION.sub("", path.read_text())
    known, found = {}, re.findall(FILES, text)
    while found:
        name = found.pop()
        other = path.parent / name
        if name in known or not other.is_file():
            continue
        known[name] = ANNOTATION.sub("", other.read_text())
        found += re.findall(FILES, known[name])
    return text + "".join(f"//@ {name}\n{other}" for name, other in known.items())


def main() -> None:
    """Writes the files."""
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    texts = {}
    for pattern in ["models/*.net", "tests/nets/**/*.net", "tests/stages/*.net", "tests/cases/**/*.net"]:
        for path in sorted(ROOT.glob(pattern)):
            name = "-".join(path.relative_to(ROOT).parts)
            texts[name] = with_uses(path)
    for index, text in enumerate(re.findall(r"^```net.*?\n(.*?)^```", (ROOT / "docs/language.md").read_text(), re.M | re.S)):
        texts[f"language-{index}.net"] = text
    for name, text in texts.items():
        (folder / name).write_text(text)
    print(f"{len(texts)} texts of {sum(map(len, texts.values()))} characters in {folder}")


if __name__ == "__main__":
    main()
