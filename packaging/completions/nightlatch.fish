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
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "list" -d 'Show everybody who is enrolled, or those whom the options leave'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "unlock" -d 'Clear failures and lock'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "remove" -d 'Remove what is enrolled'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "rebind" -d 'Give a record to the name or uid that its account has now'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "doctor" -d 'Look this host over: store, module, PAM services, sshd, people, clock; worst first'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "import" -d 'Take over what google-authenticator or pam_oath has enrolled'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "policy" -d 'Show what the rules in the config make of a login, and what is wrong with them'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "key" -d 'List, rotate, back up and restore the master keys that everything is sealed under'
complete -c nightlatch -n "__fish_nightlatch_needs_command" -f -a "store" -d 'Back up and restore what is enrolled'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand init" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand init" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand init" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand init" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand init" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l from -d 'Enroll everybody in a CSV file; \'-\' is stdin' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l output -d 'Where each person of the file gets a hand-out: root\'s alone, or made' -r -f -a "(__fish_complete_directories)"
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l format -d 'What hand-outs are: pages to print (pdf, html), or txt' -r -f -a "pdf\t'A page with the letters of Western Europe'
html\t'A page with all letters, for a browser to print'
txt\t'Text with a QR code for a terminal'"
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
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l skip-wrong -d 'Where lines of the file are wrong, enroll the others instead of nobody'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l hotp -d 'Codes that go by a counter and not by time: tokens with a button'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l secret-stdin -d 'Line 1 of stdin is an existing base32 secret; later lines are codes'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l allow-short-secret -d 'Take a secret of less than 128 bits'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l no-confirm -d 'Ask for no first code, and print the secret (automation)'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l if-not-enrolled -d 'Change nothing and succeed where the account is enrolled already'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l replace -d 'Replace all that is enrolled; it holds until the new code is confirmed'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand enroll" -l if-other-secret -d 'With --replace: change nothing where a device has this secret already'
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
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l if-missing -d 'Change nothing and succeed where a device has this name already'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l hotp -d 'Codes that go by a counter and not by time: tokens with a button'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l secret-stdin -d 'Line 1 of stdin is an existing base32 secret; later lines are codes'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l allow-short-secret -d 'Take a secret of less than 128 bits'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l no-confirm -d 'Ask for no first code, and print the secret (automation)'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from add" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from rename" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from rename" -l if-there -d 'Change nothing and succeed where only the new name is there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from rename" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from rename" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from rename" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from remove" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand device; and __fish_seen_subcommand_from remove" -l if-there -d 'Change nothing and succeed where there is no such device'
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
complete -c nightlatch -n "__fish_nightlatch_using_subcommand invite" -l if-needed -d 'Change nothing and succeed where the account is enrolled, or invited already'
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
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l few-backup-codes -d 'Only who has at most so many backup codes left [default: 3]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l sort -d 'user, uid, last-login (never first), failures' -r -f -a "user\t'By name'
uid\t'By number'
last-login\t'Who never logged in first, then who has not for the longest time'
failures\t'Who has most first'"
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l format -d 'As table, csv or json (the same as --json) [default: table]' -r -f -a "table\t'For people'
csv\t'A line of headings, then a line for each person'
json\t'One array'"
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l not-enrolled -d 'Who is not enrolled, instead: root, and uids from UID_MIN on'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l all -d 'Those too, besides who is enrolled'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l locked -d 'Only who has to wait after failures, or is blocked'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l never-used -d 'Only whose codes were never used, by no device and in no login'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l short-secret -d 'Only who has a secret of less than 128 bits'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l orphaned -d 'Only records whose uid has no account, or one of another name'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand list" -l invited -d 'Only who is not enrolled and may enroll in a login'
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
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -l vanished -d 'What deleted accounts have left: records and invitations'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -l dry-run -d 'With --vanished: show what would be removed, and change nothing'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -l if-enrolled -d 'Change nothing and succeed where nothing is enrolled'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -l yes -d 'Do not ask'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand remove" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand rebind" -l from-name -d 'What it was called when it was enrolled' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand rebind" -l from-uid -d 'The uid that it had when it was enrolled' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand rebind" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand rebind" -l yes -d 'Do not ask'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand rebind" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand rebind" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand rebind" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand rebind" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -l only -d 'Look at these alone, with commas between them [default: at everything]' -r -f -a "store\t'Owner, mode, damage and blocks of keys and records, and the disk under them'
config\t'What is surely not meant so in the config'
module\t'Whether the module is where libpam looks, loads, and is of this version'
services\t'The lines of each PAM service that names the module'
sshd\t'What sshd makes of its settings for each enrolled person'
people\t'Who is locked out, let through or blocked, and whose account is another or gone'
escape\t'Root\'s way in if all else fails'
etckeeper\t'Whether etckeeper holds the master key'
clock\t'Whether the clock is synchronised'
labels\t'SELinux labels and AppArmor profiles'"
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -l bundle -d 'Write what a maintainer needs into a new file: no secret, name or address' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -l mend -d 'Write files anew whose blocks are shared, missing or copied on write'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand doctor" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and not __fish_seen_subcommand_from google-authenticator oath read-own-file" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and not __fish_seen_subcommand_from google-authenticator oath read-own-file" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and not __fish_seen_subcommand_from google-authenticator oath read-own-file" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and not __fish_seen_subcommand_from google-authenticator oath read-own-file" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and not __fish_seen_subcommand_from google-authenticator oath read-own-file" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and not __fish_seen_subcommand_from google-authenticator oath read-own-file" -f -a "google-authenticator" -d 'Take over phones and unused scratch codes of google-authenticator'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and not __fish_seen_subcommand_from google-authenticator oath read-own-file" -f -a "oath" -d 'Take over the tokens in the users file of pam_oath'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and not __fish_seen_subcommand_from google-authenticator oath read-own-file" -f -a "read-own-file" -d 'Write out a file of one\'s own: what import runs as its owner, so that root follows nobody\'s links'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from google-authenticator" -l file -d 'Read this file, of the one USER, instead of ~/.google_authenticator' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from google-authenticator" -l path -d 'Where the files are instead, with {user} for the name' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from google-authenticator" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from google-authenticator" -l all -d 'Every account of this host that has a file'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from google-authenticator" -l dry-run -d 'Say what would be taken over, and change nothing'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from google-authenticator" -l allow-short-secret -d 'Take secrets of less than 128 bits too'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from google-authenticator" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from google-authenticator" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from google-authenticator" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from google-authenticator" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from oath" -l user -d 'Only this user; may be said more than once' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from oath" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from oath" -l dry-run -d 'Say what would be taken over, and change nothing'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from oath" -l allow-short-secret -d 'Take secrets of less than 128 bits too'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from oath" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from oath" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from oath" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from oath" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from read-own-file" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from read-own-file" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from read-own-file" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from read-own-file" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand import; and __fish_seen_subcommand_from read-own-file" -l quiet -d 'Print results only: no notes, no warnings'
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
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from check" -l allow-warnings -d 'Exit status 0 where there is nothing worse than warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from check" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from check" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand policy; and __fish_seen_subcommand_from check" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and not __fish_seen_subcommand_from list rotate backup restore" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and not __fish_seen_subcommand_from list rotate backup restore" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and not __fish_seen_subcommand_from list rotate backup restore" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and not __fish_seen_subcommand_from list rotate backup restore" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and not __fish_seen_subcommand_from list rotate backup restore" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and not __fish_seen_subcommand_from list rotate backup restore" -f -a "list" -d 'Show the master keys, and how many files are sealed under each'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and not __fish_seen_subcommand_from list rotate backup restore" -f -a "rotate" -d 'Make a new master key and seal every file anew under it; logins go on meanwhile'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and not __fish_seen_subcommand_from list rotate backup restore" -f -a "backup" -d 'Write the master keys as text for the safe'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and not __fish_seen_subcommand_from list rotate backup restore" -f -a "restore" -d 'Put a master key back from that text; run again, it changes nothing'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from list" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from list" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from rotate" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from rotate" -l keep-old -d 'Leave the old key where it is'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from rotate" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from rotate" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from rotate" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from backup" -l output -d 'Write to a new file (mode 0600) and not to the terminal' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from backup" -l qr -d 'How to draw the QR code: auto, utf8, ansi or none' -r -f -a "auto\t''
utf8\t''
ansi\t''
none\t''"
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from backup" -l qr-png -d 'Write the QR code to a new PNG file (mode 0600)' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from backup" -l qr-svg -d 'Write the QR code to a new SVG file (mode 0600)' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from backup" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from backup" -l yes -d 'Do not ask before the keys are shown on a terminal'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from backup" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from backup" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from backup" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from backup" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from restore" -l from -d 'Read the text from a file, or from stdin with \'-\' [default: ask line by line]' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from restore" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from restore" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from restore" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand key; and __fish_seen_subcommand_from restore" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and not __fish_seen_subcommand_from backup restore" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and not __fish_seen_subcommand_from backup restore" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and not __fish_seen_subcommand_from backup restore" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and not __fish_seen_subcommand_from backup restore" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and not __fish_seen_subcommand_from backup restore" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and not __fish_seen_subcommand_from backup restore" -f -a "backup" -d 'Write a backup of what is enrolled to a new file (mode 0600)'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and not __fish_seen_subcommand_from backup restore" -f -a "restore" -d 'Put people\'s records back from a backup; used codes stay used'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from backup" -l user -d 'Only this person; may be said several times [default: everybody]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from backup" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from backup" -l passphrase -d 'Encrypt it, keys included, to a passphrase: asked for, or line 1 of stdin'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from backup" -l under-master-key -d 'Leave records sealed as they are, and the master keys out of it'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from backup" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from backup" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from backup" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from backup" -l quiet -d 'Print results only: no notes, no warnings'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from restore" -l user -d 'Only this person; may be said several times [default: everybody]' -r
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from restore" -l config -d 'Use this config instead of /etc/nightlatch/config.toml' -r -F
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from restore" -l dry-run -d 'Show what would be done, and change nothing'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from restore" -l yes -d 'Do not ask'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from restore" -l allow-used-codes -d 'With --yes: restore whom codes or devices come back for that are void here'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from restore" -s V -l version -d 'Print version'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from restore" -l json -d 'Print one JSON object on stdout, and nothing else there'
complete -c nightlatch -n "__fish_nightlatch_using_subcommand store; and __fish_seen_subcommand_from restore" -l quiet -d 'Print results only: no notes, no warnings'

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

complete -c nightlatch -n "__fish_seen_subcommand_from enroll; and __fish_nightlatch_at 1 --from --output --format --device --issuer --account --counter --algorithm --digits --period --qr --qr-png --qr-svg --sheet --backup-codes --config" -a "(__fish_complete_users)"
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
complete -c nightlatch -n "__fish_seen_subcommand_from rebind; and __fish_nightlatch_at 1 --from-name --from-uid --config" -a "(__fish_complete_users)"
complete -c nightlatch -n "__fish_seen_subcommand_from policy; and __fish_seen_subcommand_from explain; and __fish_nightlatch_at 2 --service --from --config" -a "(__fish_complete_users)"
