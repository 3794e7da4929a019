"""What the classes of a jar call of one package: read from their constant pools (JVM specification, 4.4)."""
import collections
import re
import struct
import zipfile

UTF8, INTEGER, FLOAT, LONG, DOUBLE, CLASS, FIELD, METHOD, INTERFACE_METHOD = 1, 3, 4, 5, 6, 7, 9, 10, 11
ONE_INDEX = (CLASS, 8, 16, 19, 20)
TWO_INDEXES = (FIELD, METHOD, INTERFACE_METHOD, 12, 17, 18)
METHOD_HANDLE = 15


def constant_pool(code):
    """The constants of a class file by index, each a tuple that begins with its tag."""
    count = struct.unpack('>H', code[8:10])[0]
    pool, at, index = [None] * count, 10, 1
    while index < count:
        tag = code[at]
        if tag == UTF8:
            length = struct.unpack('>H', code[at + 1:at + 3])[0]
            pool[index] = (tag, code[at + 3:at + 3 + length].decode('utf8', 'replace'))
            at += 3 + length
        elif tag in (INTEGER, FLOAT):
            pool[index] = (tag,)
            at += 5
        elif tag in (LONG, DOUBLE):  # takes two places
            pool[index] = (tag,)
            at += 9
            index += 1
        elif tag in ONE_INDEX:
            pool[index] = (tag, struct.unpack('>H', code[at + 1:at + 3])[0])
            at += 3
        elif tag in TWO_INDEXES:
            pool[index] = (tag,) + struct.unpack('>HH', code[at + 1:at + 5])
            at += 5
        elif tag == METHOD_HANDLE:
            pool[index] = (tag,)
            at += 4
        else:
            raise ValueError('constant of tag %d' % tag)
        index += 1
    return pool


def called(jar, package):
    """The methods that are called of each class of package, as (name, descriptor); also the classes that are only named."""
    found = collections.defaultdict(set)
    archive = zipfile.ZipFile(jar)
    for name in archive.namelist():
        if not name.endswith('.class'):
            continue
        pool = constant_pool(archive.read(name))
        for constant in filter(None, pool):
            if constant[0] == UTF8:
                for other in re.findall(package + r'([\w$]+)', constant[1]):
                    found[other]
            elif constant[0] in (METHOD, INTERFACE_METHOD):
                owner = pool[pool[constant[1]][1]][1]
                if owner.startswith(package):
                    method = pool[constant[2]]
                    found[owner[len(package):]].add((pool[method[1]][1], pool[method[2]][1]))
    return found
