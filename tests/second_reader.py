#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A second reader of nightlatch's files, written from docs/FORMAT.md alone: prints a person's file or an invitation as JSON.

Usage: second_reader.py KEYS_DIRECTORY FILE. For tests: it prints secrets and checks neither owners nor modes.
"""
import hashlib
import hmac
import json
import struct
import sys


def rotate(word, bits):
    return ((word << bits) | (word >> (32 - bits))) & 0xFFFFFFFF


def rounds(state):
    state = list(state)
    for _ in range(10):
        for a, b, c, d in (
            (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
            (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
        ):
            for first, second, third, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                state[first] = (state[first] + state[second]) & 0xFFFFFFFF
                state[third] = rotate(state[third] ^ state[first], bits)
    return state


CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


def hchacha20(key, nonce):
    state = rounds(CONSTANTS + struct.unpack("<8I", key) + struct.unpack("<4I", nonce))
    return struct.pack("<8I", *(state[:4] + state[12:]))


def chacha20_block(key, counter, nonce):
    start = CONSTANTS + struct.unpack("<8I", key) + (counter,) + struct.unpack("<3I", nonce)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(start, rounds(start))))


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for place in range(0, len(message), 16):
        block = int.from_bytes(message[place:place + 16] + b"\x01", "little")
        total = (total + block) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(key[16:], "little")) & ((1 << 128) - 1)).to_bytes(16, "little")


def padded(data):
    return data + b"\0" * (-len(data) % 16)


def unseal(key, sealed, associated):
    """XChaCha20-Poly1305; None where it does not fit."""
    if len(sealed) < 40:
        return None
    nonce, body, tag = sealed[:24], sealed[24:-16], sealed[-16:]
    subkey, short = hchacha20(key, nonce[:16]), b"\0" * 4 + nonce[16:]
    lengths = struct.pack("<QQ", len(associated), len(body))
    expected = poly1305(chacha20_block(subkey, 0, short)[:32], padded(associated) + padded(body) + lengths)
    if not hmac.compare_digest(expected, tag):
        return None
    stream = b"".join(chacha20_block(subkey, 1 + n, short) for n in range((len(body) + 63) // 64))
    return bytes(a ^ b for a, b in zip(body, stream))


def expand(key, info, length):
    return hmac.new(key, info + b"\x01", hashlib.sha256).digest()[:length]


class Reader:
    """Postcard, field by field."""

    def __init__(self, data):
        self.data, self.place = data, 0

    def raw(self, count):
        taken = self.data[self.place:self.place + count]
        if len(taken) != count:
            raise ValueError("cut short")
        self.place += count
        return taken

    def u8(self):
        return self.raw(1)[0]

    def varint(self):
        value, shift = 0, 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    def zigzag(self):
        folded = self.varint()
        return (folded >> 1) ^ -(folded & 1)

    def option(self, item):
        return item() if self.u8() else None

    def items(self, item):
        return [item() for _ in range(self.varint())]

    def text(self):
        return self.raw(self.varint()).decode()

    def end(self):
        if self.place != len(self.data):
            raise ValueError("something follows")


def read_record(plain):
    r = Reader(plain)
    version = r.u8()
    assert version in (1, 2), "version"

    def device():
        return {
            "id": r.u8(), "name": r.text(), "period": r.varint(), "offset": r.zigzag(),
            "algorithm": ["sha1", "sha256", "sha512"][r.varint()], "digits": r.u8(),
            "secret": r.raw(r.varint()).hex(), "added_at": r.varint(),
        }

    def salted():
        return {"salt": r.raw(16).hex(), "hash": r.raw(32).hex()}

    def bypass():
        return {"hash": salted(), "memory_kib": r.varint(), "passes": r.varint(), "made_at": r.varint(),
                "until": r.varint(), "uses": r.varint()}

    record = {
        "enrolled_at": r.varint(), "changed_at": r.varint(), "devices": r.items(device), "next_device": r.u8(),
        "backup_made_at": r.varint(), "backup_memory_kib": r.varint(), "backup_passes": r.varint(),
        "backup_codes": r.items(salted), "bypass": r.option(bypass),
        "waiver": r.option(lambda: {"until": r.varint(), "reason": r.text()}), "invited_until": r.option(r.varint),
    }
    r.end()
    # Version 2: the same fields, and the codes are eight digits each.
    record["backup_codes_are"] = ["sixteen symbols", "eight digits"][version - 1]
    assert version == 1 or 1 <= len(record["backup_codes"]) <= 10, "inherited codes"
    return record


def read_ledger(plain):
    r = Reader(plain)
    assert r.u8() == 1, "version"

    def progress():
        return {"last_step": r.option(r.varint)} if r.varint() == 0 else {"next_counter": r.varint()}

    def device():
        return {"device": r.u8(), **progress(), "used_at": r.option(r.varint)}

    def source():
        kind = r.varint()
        return {0: lambda: "local", 1: lambda: ".".join(map(str, r.raw(4))), 2: lambda: r.raw(8).hex(),
                3: lambda: "elsewhere"}[kind]()

    def wait():
        return {"boot": r.option(lambda: r.raw(16).hex()), "since_boot": r.varint(), "wall": r.varint(),
                "seconds": r.varint(), "renewed": bool(r.u8())}

    def bucket():
        return {"failures": r.u8(), "wait": r.option(wait)}

    def method():
        return {0: lambda: ["totp", r.u8()], 1: lambda: ["hotp", r.u8()], 2: lambda: ["backup-code", r.u8()],
                3: lambda: ["bypass"]}[r.varint()]()

    ledger = {
        "devices": r.items(device),
        "known": r.items(lambda: {"source": source(), "failures": r.u8()}), "combined": bucket(), "others": bucket(),
        "used_backup_codes": r.varint(), "bypass_uses": r.varint(), "waiver_uses": r.varint(),
        "last_login": r.option(lambda: {"time": r.varint(), "service": r.text(), "source": r.text(),
                                        "method": method()}),
        "failures_since": {"count": r.varint(), "first": r.option(r.varint), "last": r.option(r.varint),
                           "last_source": r.text()},
    }
    r.end()
    return ledger


def read_file(keys, path):
    with open(path, "rb") as file:
        data = file.read()
    header = data[:512]
    kind = header[10]
    assert header[:10] == b"nightlatch" and header[11] in {1: (1, 2), 3: (1,)}[kind], "header"
    assert len(data) == {1: 12288, 3: 568}[kind], "size"
    uid, = struct.unpack("<I", header[12:16])
    key_id, record_id = header[16:32], header[32:48]
    length, = struct.unpack("<H", header[48:50])
    name = header[51:51 + header[50]].decode()
    with open(f"{keys}/{key_id.hex()}", "rb") as file:
        master = file.read()
    assert expand(master, b"nightlatch 1 key id", 16) == key_id, "key id"
    key = expand(master, b"nightlatch 1 seal" + record_id, 32)
    if kind == 3:
        until, made_at = struct.unpack("<QQ", unseal(key, data[512:512 + length], header + b"\x04" + b"\0" * 8))
        return {"name": name, "uid": uid, "invited_until": until, "made_at": made_at}
    record = unseal(key, data[512:512 + length], header + b"\x01" + b"\0" * 8)
    assert record[0] == header[11], "version"
    slots = []
    for part, start in ((2, 4096), (3, 8192)):
        sequence, complement, sealed = struct.unpack("<QQH", data[start:start + 18])
        assert sequence ^ complement == 0xFFFFFFFFFFFFFFFF, "complement"
        plain = unseal(key, data[start + 24:start + 24 + sealed], header + struct.pack("<BQ", part, sequence))
        slots.append({"sequence": sequence, "ledger": read_ledger(plain)})
    return {"name": name, "uid": uid, "record": read_record(record), "slots": slots}


if __name__ == "__main__":
    json.dump(read_file(sys.argv[1], sys.argv[2]), sys.stdout)
