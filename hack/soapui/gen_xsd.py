#!/usr/bin/env python3
"""Writes the XML Schema of SoapUI's project files, as the engine reads them.

usage: gen_xsd.py ENGINE.jar >soapui-config.xsd

The engine calls XMLBeans types com.eviware.soapui.config.* that its jar does not hold. Every accessor that it calls
stands in its constant pools with its types, so names, types and multiplicity follow from the jar; config_facts.py has
what byte code cannot tell.
"""
import re
import sys

import class_files
from config_facts import ATTRIBUTES, DEFAULTS, ENUMERATIONS, LIST_OF, ROOT_ELEMENTS, SUPERTYPE, UNCALLED, XML_NAME

PACKAGE = 'com/eviware/soapui/config/'
BUILT_IN = {
    'Ljava/lang/String;': 'xs:string', 'Z': 'xs:boolean', 'I': 'xs:int', 'J': 'xs:long', '[B': 'xs:base64Binary',
    'Ljava/util/Calendar;': 'xs:dateTime', 'Ljava/math/BigInteger;': 'xs:integer',
    'Ljavax/xml/namespace/QName;': 'xs:QName', 'Lorg/apache/xmlbeans/XmlObject;': 'xs:anyType',
    'Lorg/apache/xmlbeans/XmlString;': 'xs:string',
}
INTEGERS = '#integers'  # a property that is one list of integers
ACCESSOR = re.compile(r'(insertNew|addNew|isSet|unset|remove|sizeOf|xget|xset|get|set|add)([A-Z].*)')
OF_XMLBEANS = {  # methods of every XMLBeans type
    'getStringValue', 'setStringValue', 'set', 'copy', 'changeType', 'xmlText', 'save', 'selectAttribute',
    'newCursor', 'getDomNode', 'toString', 'forString', 'intValue',
}


def type_name(java):
    """EndpointConfig$Mode is the type Endpoint$Mode, the anonymous type Mode inside of Endpoint."""
    outer, _, inner = java.partition('$')
    return outer.removesuffix('Config') + ('$' + inner if inner else '')


def type_of(descriptor):
    if descriptor in BUILT_IN:
        return BUILT_IN[descriptor]
    return type_name(re.fullmatch(r'\[?L' + PACKAGE + r'([\w$]+);', descriptor).group(1).removesuffix('$Enum'))


def property_name(accessor):
    return accessor if len(accessor) > 1 and accessor[:2].isupper() else accessor[0].lower() + accessor[1:]


def accessed(method, descriptor):
    """What one accessor tells: the property, whether there may be many, and the Java type or None."""
    verb, name = ACCESSOR.fullmatch(method).groups()
    arguments, result = descriptor[1:].split(')')
    many, java = False, None
    if name.endswith('Array') and (verb == 'get' or verb == 'set' and arguments[0] in '[I'):
        name, many = name[:-5], True
        java = result.lstrip('[') if verb == 'get' else arguments[1:]
    elif verb == 'get' and result == 'Ljava/util/List;':
        if name.endswith('List'):
            name, many = name[:-4], True
        else:
            java = INTEGERS
    elif verb == 'sizeOf':
        name, many = name[:-5], True
    elif verb in ('insertNew', 'remove'):
        many, java = True, result if verb == 'insertNew' else None
    elif verb in ('addNew', 'get'):
        java = result
    elif verb == 'add':
        many, java = True, arguments
    elif verb == 'set':
        java = INTEGERS if arguments == 'Ljava/util/List;' else arguments
    return property_name(name), many, java


def properties(type_, methods):
    """The properties of a type: name to [many, schema type or None]."""
    found = {}
    for method, descriptor in methods:
        if method in OF_XMLBEANS:
            continue
        name, many, java = accessed(method, descriptor)
        known = found.setdefault(name, [False, None])
        known[0] |= many
        if java:
            schema = java if java == INTEGERS else type_of(java)
            # The most exact of what is told: an enumeration is also read as a string.
            if known[1] in (None, 'xs:anyType') or known[1] == 'xs:string' != schema:
                known[1] = schema
    for name, schema in UNCALLED.get(type_, {}).items():
        found.setdefault(name, [False, schema])
    return found


class Schema:
    """The types that an engine calls, and their text as an XML Schema."""

    def __init__(self, jar):
        called = class_files.called(jar, PACKAGE)
        methods = {type_name(java): m for java, m in called.items() if not java.endswith('$Enum') and '$Factory' not in java}
        self.enumerations = {type_name(java.removesuffix('$Enum')) for java in called if java.endswith('$Enum')}
        for enumeration in self.enumerations:
            methods.setdefault(enumeration, set())
        self.properties = {type_: properties(type_, m) for type_, m in methods.items()}
        self.text_only = {type_ for type_, m in methods.items() if {'getStringValue', 'setStringValue'} & {n for n, _ in m}}

    def own(self, type_):
        """The properties that are not the supertypes'."""
        inherited, up = set(), SUPERTYPE.get(type_)
        while up:
            inherited |= set(self.properties.get(up, {}))
            up = SUPERTYPE.get(up)
        return {name: told for name, told in sorted(self.properties[type_].items()) if name not in inherited}

    def enumeration(self, type_):
        name = '' if '$' in type_ else ' name="%s"' % type_
        yield '<xs:simpleType%s><xs:restriction base="xs:string">' % name
        for value in ENUMERATIONS[type_].split():
            yield '<xs:enumeration value="%s"/>' % value
        yield '</xs:restriction></xs:simpleType>'

    def declaration(self, kind, type_, name, schema, extra):
        """An element or an attribute of type_."""
        path = type_ + '.' + name
        schema = schema or LIST_OF.get(path, 'xs:string')
        extra = ' name="%s"%s' % (XML_NAME.get(path, XML_NAME.get(name, name)), extra)
        if path in DEFAULTS:
            extra += ' default="%s"' % DEFAULTS[path]
        if schema == INTEGERS:
            yield '<xs:%s%s><xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType></xs:%s>' % (kind, extra, kind)
        elif '$' in schema:
            yield '<xs:%s%s>' % (kind, extra)
            yield from self.enumeration(schema) if schema in self.enumerations else self.complex_type(schema)
            yield '</xs:%s>' % kind
        else:
            yield '<xs:%s type="%s"%s/>' % (kind, schema, extra)

    def content(self, type_):
        attributes = ATTRIBUTES.get(type_, '').split()
        own = self.own(type_)
        elements = [] if type_ in self.text_only or attributes == ['*'] else [name for name in own if name not in attributes]
        if elements:
            yield '<xs:sequence>'
            for name in elements:
                many, schema = own[name]
                occurs = ' minOccurs="0"' + (' maxOccurs="unbounded"' if many else '')
                yield from self.declaration('element', type_, name, schema, occurs)
            yield '</xs:sequence>'
        for name in own:
            if name not in elements:
                yield from self.declaration('attribute', type_, name, own[name][1], '')

    def complex_type(self, type_):
        yield '<xs:complexType%s>' % ('' if '$' in type_ else ' name="%s"' % type_)
        if type_ in self.text_only:
            yield '<xs:simpleContent><xs:extension base="xs:string">'
            yield from self.content(type_)
            yield '</xs:extension></xs:simpleContent>'
        elif type_ in SUPERTYPE:
            yield '<xs:complexContent><xs:extension base="%s">' % SUPERTYPE[type_]
            yield from self.content(type_)
            yield '</xs:extension></xs:complexContent>'
        else:
            yield from self.content(type_)
        yield '</xs:complexType>'

    def lines(self):
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield ('<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="http://eviware.com/soapui/config" '
               'targetNamespace="http://eviware.com/soapui/config" elementFormDefault="qualified">')
        for type_ in sorted(self.properties):
            if '$' in type_:
                continue  # inside of its outer type
            if type_.endswith('Document'):
                (name, (_, schema)), = self.properties[type_].items()
                yield '<xs:element name="%s" type="%s"/>' % (ROOT_ELEMENTS.get(type_.removesuffix('Document'), name), schema)
            elif type_ in ENUMERATIONS:
                yield from self.enumeration(type_)
            else:
                yield from self.complex_type(type_)
        yield '</xs:schema>'


if __name__ == '__main__':
    print('\n'.join(Schema(sys.argv[1]).lines()))
