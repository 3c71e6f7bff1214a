# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reads the rules back out of a policy into which nightlatch.cil was loaded, with setools, which we did not write.

Runs inside the directory that tests/selinux/check has made; prints a sentence for each thing that holds.
"""
import re
import sys
from pathlib import Path

import setools

HERE = Path(sys.argv[1])
MODULE = re.sub(r";.*", "", (HERE / "nightlatch.cil").read_text())
OURS = ("nightlatch_etc_t", "nightlatch_key_t", "nightlatch_var_lib_t")
PARENTS = ("etc_t", "var_lib_t", "nightlatch_etc_t")
LOOKED_AT = (*OURS, "shadow_t", "sysctl_kernel_t")
GROUPS = ("nightlatch_login", "nightlatch_first_contact", "nightlatch_admin")
LISTING = {("dir", perm) for perm in ("open", "read", "search", "ioctl", "lock")}
# Of Debian's policy each is there, and none of them asks for codes or looks after them.
STRANGERS = ("httpd_t", "user_t", "staff_t", "crond_t", "postfix_smtpd_t", "named_t", "ftpd_t", "dovecot_auth_t", "smbd_t",
             "syslogd_t", "logrotate_t", "systemd_logind_t", "ssh_keygen_t", "passwd_t", "chkpwd_t")


class Policy:
    """The rules about our types, /etc/shadow and the boot's id, read in one pass: a query of setools takes seconds."""

    def __init__(self, name):
        self.policy = setools.SELinuxPolicy(str(HERE / name))
        self.types = {str(t): t for t in self.policy.types()}
        self.attributes = {str(a): {str(t) for t in a.expand()} for a in self.policy.typeattributes()}
        groups = {t: {t, *map(str, self.types[t].attributes())} for t in LOOKED_AT if t in self.types}
        wanted = set().union(*groups.values())
        # Every type of files may be on a disk: that is the class filesystem, and of no interest.
        self.allowed = {t: [] for t in groups}
        self.transitions = set()
        for rule in self.policy.terules():
            target = str(rule.target)
            if target in wanted and rule.ruletype == setools.TERuletype.allow and str(rule.tclass) in ("dir", "file"):
                for t in groups:
                    if target in groups[t]:
                        self.allowed[t].append((str(rule.source), target, str(rule.tclass), set(rule.perms)))
            elif target in PARENTS and rule.ruletype == setools.TERuletype.type_transition and str(rule.default) in OURS:
                for source in self.members(str(rule.source)):
                    self.transitions.add((source, target, str(rule.tclass), rule.filename, str(rule.default)))

    def members(self, name):
        """Of an attribute, or the type itself; nobody where the policy knows neither."""
        return self.attributes.get(name) or ({name} if name in self.types else set())

    def named(self, target):
        """The rules that name one of our types themselves, and no attribute that it has: (who, class, permission)."""
        rules = (rule for rule in self.allowed[target] if rule[1] == target)
        return {(source, kind, perm) for source, _, kind, perms in rules for perm in perms}

    def of(self, who, target):
        """All that one type may do with another, by whatever rule, with every boolean as may be."""
        rules = (rule for rule in self.allowed[target] if who in self.members(rule[0]))
        return {(kind, perm) for _, _, kind, perms in rules for perm in perms}

    def who(self, target, perm):
        """All types that have a permission on files of a type, by whatever rule."""
        rules = self.allowed[target]
        sources = (source for source, _, kind, perms in rules if kind == "file" and perm in perms)
        return set().union(*map(self.members, sources))


def stated():
    """The module's own words: {group or type: {(target, class, permission)}}."""
    words = {}
    for who, target, kind, perms in re.findall(r"\(allow (\w+) (\w+)\s+\((dir|file) \(([^()]+)\)\)\)", MODULE):
        words.setdefault(who, set()).update((target, kind, perm) for perm in perms.split())
    mapping = dict(re.findall(r"\(classmapping nightlatch_tree manage_(dir|file)\s+\(\w+ \(([^()]+)\)\)\)", MODULE))
    for target in re.findall(r"\(call nightlatch_manage \(nightlatch_admin (\w+)\)\)", MODULE):
        for kind, perms in mapping.items():
            words.setdefault("nightlatch_admin", set()).update((target, kind, perm) for perm in perms.split())
    return words


def callers(policy, group):
    """Who should be in a group: whatever an optional block names, as far as the policy knows it."""
    found = set()
    for name in re.findall(rf"\(typeattributeset {group} \((\w+)\)\)", MODULE):
        found |= callers(policy, name) if name in GROUPS else policy.members(name)
    return found


def holds(condition, sentence, *evidence):
    if not condition:
        sys.exit(f"not so: {sentence}: {evidence}")
    print(sentence)


before, loaded, session = Policy("before"), Policy("loaded"), Policy("session")
words = stated()

holds(all({str(a) for a in loaded.types[t].attributes()} == {"file_type"} for t in OURS),
      "config, keys and store are files as shadow_t is, and in no group that many may read")

blocks = re.findall(r"\(typeattributeset nightlatch_\w+ \((\w+)\)\)", MODULE)
unknown = {"sshd_t", "local_login_t", "sudodomain", "staff_su_t", "policykit_auth_t", "xdm_t", "sysadm_t"} - {
    name for name in blocks if loaded.members(name)}
holds(not unknown, "the policy has sshd, login, sudo, su, polkit and the display manager under their blocks' names", unknown)
for group in GROUPS:
    wanted = callers(loaded, group)
    holds(loaded.attributes[group] == wanted, f"{group} is whoever a block names and the policy knows, and nobody else: "
          + " ".join(sorted(wanted)), loaded.attributes[group] ^ wanted)

wrong = {}
for target in OURS:
    wanted = {(who, kind, perm) for who, perms in words.items() for t, kind, perm in perms if t == target}
    wrong[target] = loaded.named(target) ^ wanted
holds(not any(wrong.values()), "the rules that name our types are the module's, every one, and no other", wrong)

wrong = {}
for caller in loaded.attributes["nightlatch_login"] - loaded.members("files_unconfined_type"):
    groups = [g for g in (*GROUPS, caller) if caller in loaded.members(g)]
    for target in OURS:
        wanted = {(kind, perm) for g in groups for t, kind, perm in words.get(g, ()) if t == target}
        found = loaded.of(caller, target)
        # By rules of the distribution some may look at every file's name and size, and search and list every directory.
        more = {(kind, perm) for kind, perm in found - wanted if perm != "getattr" and (kind, perm) not in LISTING}
        wrong[caller, target] = (wanted - found) | more
holds(not any(wrong.values()), "each that asks for codes may do what a login does, and no more", wrong)
reads = {("file", "open"), ("file", "read")}
holds(all(reads <= loaded.of(caller, "sysctl_kernel_t") for caller in loaded.attributes["nightlatch_login"]),
      "each of them reads the boot's id")

wrong = {(who, t): {p for p in loaded.of(who, t) if p[0] == "file" and p[1] != "getattr"} for who in STRANGERS for t in OURS}
holds(set(STRANGERS) <= set(loaded.types) and not any(wrong.values()),
      "these have no file of ours: " + " ".join(STRANGERS), wrong)

# Programs for backups and for watching files may read everything; they are no business of this module.
named_by_us = set().union(*(loaded.attributes[g] for g in GROUPS))
wrong = {}
for perm in ("read", "write", "append", "create", "unlink", "rename", "relabelto"):
    for target in OURS:
        wrong[perm, target] = loaded.who(target, perm) - named_by_us - loaded.who("shadow_t", perm)
holds(not any(wrong.values()), "whoever else may read, write, replace or relabel our files may do so with /etc/shadow", wrong)

wanted = {("etc_t", "nightlatch", "nightlatch_etc_t"), ("nightlatch_etc_t", "keys", "nightlatch_key_t"),
          ("var_lib_t", "nightlatch", "nightlatch_var_lib_t")}
wrong = {}
for maker in ("unconfined_t", "sysadm_t", "dpkg_script_t", "initrc_t"):
    wrong[maker] = wanted ^ {(t, name, label) for source, t, kind, name, label in loaded.transitions
                             if source == maker and kind == "dir"}
holds(not any(wrong.values()), "what an administrator or a package makes under our names has its label at once", wrong)

holds("sshd_session_t" not in loaded.types and callers(loaded, "nightlatch_login"),
      "this policy has no sshd_session_t: that block is left out, and the others hold")
wanted = {t: {(k, p) for g in GROUPS[:2] for target, k, p in words[g] if target == t} for t in OURS}
wrong = {t: session.of("sshd_session_t", t) ^ wanted[t] for t in OURS}
holds(not any(wrong.values()), "a policy with sshd_session_t gives it what sshd has", wrong)
wanted = {t: {(k, p) for target, k, p in words["nightlatch_login"] if target == t} for t in OURS}
wrong = {t: wanted[t] - session.of("ftpd_t", t) for t in OURS}
holds(not any(wrong.values()), "the guide's module of one line lets vsftpd in", wrong)
