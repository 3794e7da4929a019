"""Reads XML documents with libxml2, for tests that compare.

Documents come on standard input, each behind its length (four bytes, big-endian),
and an answer in JSON goes out in the same way. With an argument, which is a schema,
well-formed documents are validated too. No entity is expanded and nothing is fetched.
"""

import json
import struct
import sys

from lxml import etree


def split(tag):
    """Gives namespace and local name of {namespace}local."""
    space, brace, local = tag.rpartition("}")
    return space[1:] if brace else "", local


def read(element, tokens):
    """Appends an element with all that is in it; comments cut no text."""
    attributes = [[*split(name), value] for name, value in element.attrib.items()]
    tokens.append({"start": split(element.tag), "attributes": attributes})
    text = element.text or ""
    for child in element:
        if child.tag is not etree.Comment:
            if text:
                tokens.append({"text": text})
            read(child, tokens)
            text = ""
        text += child.tail or ""
    if text:
        tokens.append({"text": text})
    tokens.append({"end": split(element.tag)})


def answer(document, schema):
    # The documents are UTF-8 whatever they declare: who decoded them has said so.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, encoding="utf-8")
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as e:
        return {"error": str(e) or "not well-formed"}
    tokens = []
    read(root, tokens)
    result = {"tokens": tokens}
    if schema is not None and not schema.validate(root):
        result["invalid"] = str(schema.error_log)
    return result


def main():
    schema = etree.XMLSchema(etree.parse(sys.argv[1])) if len(sys.argv) > 1 else None
    while length := sys.stdin.buffer.read(4):
        document = sys.stdin.buffer.read(struct.unpack(">I", length)[0])
        out = json.dumps(answer(document, schema)).encode()
        sys.stdout.buffer.write(struct.pack(">I", len(out)) + out)
        sys.stdout.buffer.flush()


main()
