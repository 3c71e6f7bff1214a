# SPDX-License-Identifier: MIT OR Apache-2.0
# Written by packaging/manual from the command line.

# Only where a value is a file is one offered.
complete -c nightlatch -f

# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_nightlatch_global_optspecs
    string join \n config= json quiet h/help V/version
end

function __fish_nightlatch_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_nightlatch_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_nightlatch_using_subcommand
    set -l cmd (__fish_nightlatch_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c nightlatch -n "__fish_nightlatch_needs_command" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_needs_command" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "init" -d 'Make store, key and config on a new host; run again, it changes nothing'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "enroll" -d 'Show a QR code, ask for a first code, and only then enroll'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "device" -d 'List, add, rename, remove and resynchronise somebody\'s devices: eight at most'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "backup-codes" -d 'Make a new set of backup codes; the old one is void'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "bypass" -d 'Make a code for the help desk to read out; an earlier one is void'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "waive" -d 'Let somebody who is enrolled in without a code for a while'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "invite" -d 'Let somebody who is not enrolled enroll in a login, until a time'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "verify" -d 'Judge a code exactly as a login does: it is then used, and failures count'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "status" -d 'Show what is enrolled for an account, its failures and its last login'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "list" -d 'Show everybody who is enrolled'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "unlock" -d 'Clear failures and lock'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "remove" -d 'Remove what is enrolled'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "doctor" -d 'Find what locks people out, or would on a full disk; exit status 1 if anything'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "policy" -d 'Show what the rules in the config make of a login, and what is wrong with them'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand init" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand init" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand init" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand init" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand init" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l device -d 'What the device is called [default: phone, or token with --hotp]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l issuer -d 'What the app shows as issuer [default: config, else the host\'s name]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l account -d 'What the app shows as account [default: config, else the user\'s name]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l counter -d 'Counter of the first code, of a token that was pressed [default: 0]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l algorithm -d 'Hash: sha1, sha256 or sha512 [default: config, else sha1]' -r -f -a "sha1\t''
sha256\t''
sha512\t''"
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l digits -d 'Length of a code, 6 to 8 [default: config, else 6]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l period -d 'How long a code holds, 15 to 120 [default: config, else 30]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l qr -d 'How to draw the QR code: auto, utf8, ansi or none' -r -f -a "auto\t''
utf8\t''
ansi\t''
none\t''"
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l qr-png -d 'Write the QR code to a new PNG file (mode 0600)' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l qr-svg -d 'Write the QR code to a new SVG file (mode 0600)' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l sheet -d 'Write all of it on a page to hand out: a new .pdf or .html (mode 0600)' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l backup-codes -d 'How many backup codes, 0 to 20 [default: config, else 10]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l hotp -d 'Codes that go by a counter and not by time: tokens with a button'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l secret-stdin -d 'Line 1 of stdin is an existing base32 secret; later lines are codes'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l allow-short-secret -d 'Take a secret of less than 128 bits'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l no-confirm -d 'Ask for no first code, and print the secret (automation)'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l if-not-enrolled -d 'Change nothing and succeed where the account is enrolled already'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l replace -d 'Replace all that is enrolled; it holds until the new code is confirmed'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and not __fish_seen_subcommand_from list add rename remove resync" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and not __fish_seen_subcommand_from list add rename remove resync" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and not __fish_seen_subcommand_from list add rename remove resync" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and not __fish_seen_subcommand_from list add rename remove resync" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and not __fish_seen_subcommand_from list add rename remove resync" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and not __fish_seen_subcommand_from list add rename remove resync" -f -a "list" -d 'Show somebody\'s devices'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and not __fish_seen_subcommand_from list add rename remove resync" -f -a "add" -d 'Show a QR code, ask for a first code, and only then add the device'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and not __fish_seen_subcommand_from list add rename remove resync" -f -a "rename" -d 'Call a device by another name'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and not __fish_seen_subcommand_from list add rename remove resync" -f -a "remove" -d 'Take a device away; the last one goes with \'nightlatch remove\' only'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and not __fish_seen_subcommand_from list add rename remove resync" -f -a "resync" -d 'Set a device right that is out of step, by two codes of it, one right after the other'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from list" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from list" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l name -d 'What it is called [default: phone or token, and a number]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l issuer -d 'What the app shows as issuer [default: config, else the host\'s name]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l account -d 'What the app shows as account [default: config, else the user\'s name]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l counter -d 'Counter of the first code, of a token that was pressed [default: 0]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l algorithm -d 'Hash: sha1, sha256 or sha512 [default: config, else sha1]' -r -f -a "sha1\t''
sha256\t''
sha512\t''"
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l digits -d 'Length of a code, 6 to 8 [default: config, else 6]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l period -d 'How long a code holds, 15 to 120 [default: config, else 30]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l qr -d 'How to draw the QR code: auto, utf8, ansi or none' -r -f -a "auto\t''
utf8\t''
ansi\t''
none\t''"
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l qr-png -d 'Write the QR code to a new PNG file (mode 0600)' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l qr-svg -d 'Write the QR code to a new SVG file (mode 0600)' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l sheet -d 'Write all of it on a page to hand out: a new .pdf or .html (mode 0600)' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l hotp -d 'Codes that go by a counter and not by time: tokens with a button'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l secret-stdin -d 'Line 1 of stdin is an existing base32 secret; later lines are codes'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l allow-short-secret -d 'Take a secret of less than 128 bits'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l no-confirm -d 'Ask for no first code, and print the secret (automation)'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from rename" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from rename" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from rename" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from rename" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from remove" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from remove" -l yes -d 'Do not ask'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from remove" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from remove" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from remove" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from resync" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from resync" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from resync" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from resync" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from resync" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand backup-codes" -l count -d 'How many, 1 to 20 [default: config, else 10]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand backup-codes" -l sheet -d 'Write the codes on a page to hand out, a new .pdf or .html (mode 0600)' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand backup-codes" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand backup-codes" -l yes -d 'Do not ask'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand backup-codes" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand backup-codes" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand backup-codes" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand backup-codes" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand bypass" -l for -d 'How long it holds, 1m to 7d' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand bypass" -l uses -d 'How often it works, 1 to 20' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand bypass" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand bypass" -l revoke -d 'End the one that there is'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand bypass" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand bypass" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand bypass" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand bypass" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand waive" -l until -d 'When it ends' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand waive" -l reason -d 'Why; every login by it logs this' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand waive" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand waive" -l end -d 'End the one that there is'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand waive" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand waive" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand waive" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand waive" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand invite" -l until -d 'When it ends [default: 7 days from now]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand invite" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand invite" -l end -d 'End the one that there is'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand invite" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand invite" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand invite" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand invite" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand verify" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand verify" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand verify" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand verify" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand verify" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand status" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand status" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand status" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand status" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand status" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand unlock" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand unlock" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand unlock" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand unlock" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand unlock" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -l uid -d 'By uid: for an account that no longer exists, and for a damaged record' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -l yes -d 'Do not ask'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -l mend -d 'Write files anew whose blocks are shared, missing or copied on write'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and not __fish_seen_subcommand_from explain check" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and not __fish_seen_subcommand_from explain check" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and not __fish_seen_subcommand_from explain check" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and not __fish_seen_subcommand_from explain check" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and not __fish_seen_subcommand_from explain check" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and not __fish_seen_subcommand_from explain check" -f -a "explain" -d 'Show which rule decides about a login, and why none before it does'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and not __fish_seen_subcommand_from explain check" -f -a "check" -d 'Look for errors and likely mistakes in the config; exit status 1 if anything'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from explain" -l service -d 'By which service: the name of its file in /etc/pam.d' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from explain" -l from -d 'From where: what the service gives as PAM_RHOST [default: a local login]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from explain" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from explain" -l ssh-key -d 'sshd has seen a public key before'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from explain" -l nullok -d 'The module\'s line has the argument nullok'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from explain" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from explain" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from explain" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from check" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from check" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from check" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from check" -l quiet -d 'Print results only: no notes, no warnings'

function __fish_nightlatch_at
    set -l words (commandline -opc)
    set -l position 0
    set -l is_value 0
    for word in $words[2..-1]
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch $word
            case '--*=*'
            case '-*'
                if contains -- $word $argv[2..-1]
                    set is_value 1
                end
            case '*'
                set position (math $position + 1)
        end
    end
    test $position = $argv[1]
end

complete -c nightlatch -n "__fish_seen_subcommand_from enroll; and __fish_nightlatch_at 1 --device --issuer --account --counter --algorithm --digits --period --qr --qr-png --qr-svg --sheet --backup-codes --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from device; and __fish_seen_subcommand_from list; and __fish_nightlatch_at 2 --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from device; and __fish_seen_subcommand_from add; and __fish_nightlatch_at 2 --name --issuer --account --counter --algorithm --digits --period --qr --qr-png --qr-svg --sheet --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from device; and __fish_seen_subcommand_from rename; and __fish_nightlatch_at 2 --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from device; and __fish_seen_subcommand_from remove; and __fish_nightlatch_at 2 --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from device; and __fish_seen_subcommand_from resync; and __fish_nightlatch_at 2 --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from backup-codes; and __fish_nightlatch_at 1 --count --sheet --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from bypass; and __fish_nightlatch_at 1 --for --uses --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from waive; and __fish_nightlatch_at 1 --until --reason --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from invite; and __fish_nightlatch_at 1 --until --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from verify; and __fish_nightlatch_at 1 --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from status; and __fish_nightlatch_at 1 --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from unlock; and __fish_nightlatch_at 1 --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from remove; and __fish_nightlatch_at 1 --uid --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from policy; and __fish_seen_subcommand_from explain; and __fish_nightlatch_at 2 --service --from --config" -a "(__fish_complete_users)"
