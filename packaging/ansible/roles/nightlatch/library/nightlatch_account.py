#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0
"""One person of one host: enrolled, invited, or neither. It runs the program `nightlatch` and judges nothing itself.
A secret goes to the program on stdin, and never into an argument, the environment or a message."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: nightlatch_account
short_description: Enroll a person for a second factor, invite or remove them
description:
  - Runs C(nightlatch) on the host, as root, and hands on what it says.
  - A task with this module says C(no_log=true), since a fresh secret and backup codes are in its result.
options:
  user:
    description: The account.
    required: true
    type: str
  state:
    description: >-
      C(present) is enrolled; C(invited) is enrolled, or invited to enroll in a login; C(absent) is neither, whether there
      still is an account or not.
    choices: [present, absent, invited]
    default: present
    type: str
  secret:
    description: Base32, from a vault. Without it a fresh one is made, and is in the result.
    type: str
  update_secret:
    description: >-
      Whether another secret takes the place of all that is enrolled (C(always)), with every device and all backup codes, or
      whoever is enrolled is left alone (C(on_create)).
    choices: [on_create, always]
    default: on_create
    type: str
  device:
    description: What the device is called.
    type: str
  issuer:
    description: What the app shows as issuer.
    type: str
  account:
    description: What the app shows as account.
    type: str
  algorithm:
    description: Hash under the codes.
    choices: [sha1, sha256, sha512]
    type: str
  digits:
    description: Length of a code.
    type: int
  period:
    description: Seconds that a code holds.
    type: int
  backup_codes:
    description: How many backup codes are made with an enrollment.
    type: int
  allow_short_secret:
    description: Take a secret of less than 128 bits.
    default: false
    type: bool
  invite_until:
    description: When an invitation ends, as C(nightlatch invite --until) takes it.
    type: str
  unlock:
    description: Forget failures and waits.
    default: false
    type: bool
  config:
    description: The config, where it is not the usual one.
    type: path
attributes:
  check_mode:
    support: full
    description: Says from C(status) what would change. It cannot tell whether a secret is another one.
"""

EXAMPLES = r"""
- name: Enroll alice with the secret that all hosts share
  nightlatch_account:
    user: alice
    secret: "{{ vault_alice }}"
    backup_codes: 0
  no_log: true
"""

RETURN = r"""
enrolled:
  description: Whether the person is enrolled now.
  type: bool
  returned: success
uid:
  description: Whose record it is; none where there is neither account nor record.
  type: int
  returned: success
hand_out:
  description: What is shown once - secret and uri, where they are fresh, and backup_codes.
  type: dict
  returned: where something was enrolled with a fresh secret or backup codes
"""

import json

from ansible.module_utils.basic import AnsibleModule

NO_SUCH_ACCOUNT = "no-account"


class Program(object):
    """`nightlatch` on this host."""

    def __init__(self, module):
        self.module = module
        self.path = module.get_bin_path("nightlatch", opt_dirs=["/usr/local/sbin", "/usr/sbin"])

    def is_there(self):
        return self.path is not None

    def run(self, words, stdin=None, accepted=()):
        """The value that it printed; a failure of one of the kinds in `accepted` too."""
        command = [self.path, "--json"]
        if self.module.params["config"]:
            command += ["--config", self.module.params["config"]]
        status, stdout, stderr = self.module.run_command(command + words, data=stdin)
        try:
            value = json.loads(stdout)
        except ValueError:
            self.fail("nightlatch %s printed no JSON: %s" % (words[0], stderr.strip()), status)
        error = value.get("error") if isinstance(value, dict) else None
        if error and error["kind"] not in accepted:
            self.fail("%(message)s; %(remedy)s" % error, status)
        return value

    def fail(self, sentence, status):
        # The task says no_log: what whoever reads it needs is in this sentence.
        self.module.fail_json(msg="%s: %s" % (self.module.params["user"], sentence), rc=status)


def is_failure(value):
    return "error" in value


def enrolling(params):
    """What `enroll` is told; the secret is not among it."""
    words = ["enroll", params["user"], "--no-confirm"]
    for option in ("device", "issuer", "account", "algorithm", "digits", "period", "backup_codes"):
        if params[option] is not None:
            words += ["--%s=%s" % (option.replace("_", "-"), params[option])]
    if params["secret"]:
        words.append("--secret-stdin")
        if params["allow_short_secret"]:
            words.append("--allow-short-secret")
    return words


def hand_out(enrolled, params):
    device = enrolled["devices"][0]
    fresh = not params["secret"]
    return dict(
        secret=device["secret"] if fresh else None,
        uri=device["uri"] if fresh else None,
        backup_codes=enrolled["backup_codes"],
    )


def be_present(program, status):
    params = program.module.params
    if not status["enrolled"]:
        words = enrolling(params) + ["--if-not-enrolled"]
    elif params["secret"] and params["update_secret"] == "always":
        words = enrolling(params) + ["--replace", "--if-other-secret"]
    else:
        return dict(changed=False)
    if program.module.check_mode:
        return dict(changed=not status["enrolled"])
    said = program.run(words, stdin=params["secret"])
    result = dict(changed=said["changed"])
    if said["changed"] and (not params["secret"] or said["backup_codes"]):
        result["hand_out"] = hand_out(said, params)
    return result


def be_invited(program, status):
    params = program.module.params
    needed = not status["enrolled"] and not status["invited_until"]
    if not needed or program.module.check_mode:
        return dict(changed=needed)
    until = ["--until", params["invite_until"]] if params["invite_until"] else []
    return dict(changed=program.run(["invite", params["user"], "--if-needed"] + until)["changed"])


def be_absent(program, status):
    user, changed = program.module.params["user"], bool(status["enrolled"] or status["invited_until"])
    if changed and not program.module.check_mode:
        program.run(["invite", user, "--end"])
        program.run(["remove", user, "--yes", "--if-enrolled"])
    return dict(changed=changed)


def be_absent_without_account(program):
    """What an account left that is gone, by the name that its record has."""
    user = program.module.params["user"]
    left = [person["uid"] for person in program.run(["list"]) if person["user"] == user]
    if not program.module.check_mode:
        for uid in left:
            program.run(["remove", "--uid", str(uid), "--yes", "--if-enrolled"])
    return dict(changed=bool(left), enrolled=False, uid=left[0] if left else None)


def be_unlocked(program, status):
    if program.module.check_mode:
        return bool(status["failures"])
    return program.run(["unlock", program.module.params["user"]])["changed"]


def main():
    module = AnsibleModule(
        argument_spec=dict(
            user=dict(type="str", required=True),
            state=dict(type="str", choices=["present", "absent", "invited"], default="present"),
            secret=dict(type="str", no_log=True),
            update_secret=dict(type="str", choices=["on_create", "always"], default="on_create", no_log=False),
            device=dict(type="str"),
            issuer=dict(type="str"),
            account=dict(type="str"),
            algorithm=dict(type="str", choices=["sha1", "sha256", "sha512"]),
            digits=dict(type="int"),
            period=dict(type="int"),
            backup_codes=dict(type="int"),
            allow_short_secret=dict(type="bool", default=False, no_log=False),
            invite_until=dict(type="str"),
            unlock=dict(type="bool", default=False),
            config=dict(type="path"),
        ),
        supports_check_mode=True,
    )
    params = module.params
    program = Program(module)
    if not program.is_there():
        if module.check_mode:
            module.exit_json(changed=params["state"] != "absent", enrolled=False, uid=None)
        module.fail_json(msg="nightlatch is not installed on this host; set nightlatch_packages, or install it before")

    status = program.run(["status", params["user"]], accepted=(NO_SUCH_ACCOUNT,) if params["state"] == "absent" else ())
    if is_failure(status):
        module.exit_json(**be_absent_without_account(program))
    reach = dict(present=be_present, invited=be_invited, absent=be_absent)[params["state"]]
    result = reach(program, status)
    if params["unlock"] and params["state"] == "present" and status["enrolled"]:
        result["changed"] = be_unlocked(program, status) or result["changed"]
    enrolled = params["state"] == "present" or (params["state"] == "invited" and status["enrolled"])
    module.exit_json(enrolled=enrolled, uid=status["uid"], **result)


if __name__ == "__main__":
    main()
