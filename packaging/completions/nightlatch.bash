# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
# Written by packaging/manual from the command line.

# Whether an option of a command takes a value: $1 is the command, $2 the option.
_nightlatch_takes_a_value() {
    case $1:$2 in
        ':--config' | \
            'init:--config' | \
            'enroll:--from' | \
            'enroll:--output' | \
            'enroll:--format' | \
            'enroll:--device' | \
            'enroll:--issuer' | \
            'enroll:--account' | \
            'enroll:--counter' | \
            'enroll:--algorithm' | \
            'enroll:--digits' | \
            'enroll:--period' | \
            'enroll:--qr' | \
            'enroll:--qr-png' | \
            'enroll:--qr-svg' | \
            'enroll:--sheet' | \
            'enroll:--backup-codes' | \
            'enroll:--config' | \
            'device:--config' | \
            'device list:--config' | \
            'device add:--name' | \
            'device add:--issuer' | \
            'device add:--account' | \
            'device add:--counter' | \
            'device add:--algorithm' | \
            'device add:--digits' | \
            'device add:--period' | \
            'device add:--qr' | \
            'device add:--qr-png' | \
            'device add:--qr-svg' | \
            'device add:--sheet' | \
            'device add:--config' | \
            'device rename:--config' | \
            'device remove:--config' | \
            'device resync:--config' | \
            'backup-codes:--count' | \
            'backup-codes:--sheet' | \
            'backup-codes:--config' | \
            'bypass:--for' | \
            'bypass:--uses' | \
            'bypass:--config' | \
            'waive:--until' | \
            'waive:--reason' | \
            'waive:--config' | \
            'invite:--until' | \
            'invite:--config' | \
            'verify:--config' | \
            'status:--config' | \
            'list:--few-backup-codes' | \
            'list:--sort' | \
            'list:--format' | \
            'list:--config' | \
            'unlock:--config' | \
            'remove:--uid' | \
            'remove:--config' | \
            'rebind:--from-name' | \
            'rebind:--from-uid' | \
            'rebind:--config' | \
            'doctor:--only' | \
            'doctor:--bundle' | \
            'doctor:--config' | \
            'import:--config' | \
            'import google-authenticator:--file' | \
            'import google-authenticator:--path' | \
            'import google-authenticator:--config' | \
            'import oath:--user' | \
            'import oath:--config' | \
            'import read-own-file:--config' | \
            'policy:--config' | \
            'policy explain:--service' | \
            'policy explain:--from' | \
            'policy explain:--config' | \
            'policy check:--config' | \
            'key:--config' | \
            'key list:--config' | \
            'key rotate:--config' | \
            'key backup:--output' | \
            'key backup:--qr' | \
            'key backup:--qr-png' | \
            'key backup:--qr-svg' | \
            'key backup:--config' | \
            'key restore:--from' | \
            'key restore:--config' | \
            'store:--config' | \
            'store backup:--user' | \
            'store backup:--config' | \
            'store restore:--user' | \
            'store restore:--config')
            return 0
            ;;
    esac
    return 1
}

# What there is behind a command: its commands, its options, and what each position is.
_nightlatch_knows() {
    case $1 in
        '')
            commands='init enroll device backup-codes bypass waive invite verify status list unlock remove rebind doctor import policy key store'
            options='--config --json --quiet --help -h --version -V'
            kinds=()
            ;;
        'init')
            commands=''
            options='--help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'enroll')
            commands=''
            options='--from --output --format --skip-wrong --device --issuer --account --hotp --counter --algorithm --digits --period --qr --qr-png --qr-svg --sheet --secret-stdin --allow-short-secret --no-confirm --backup-codes --if-not-enrolled --replace --if-other-secret --help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'device')
            commands='list add rename remove resync'
            options='--help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'device list')
            commands=''
            options='--help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'device add')
            commands=''
            options='--name --if-missing --issuer --account --hotp --counter --algorithm --digits --period --qr --qr-png --qr-svg --sheet --secret-stdin --allow-short-secret --no-confirm --help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'device rename')
            commands=''
            options='--if-there --help -h --version -V --config --json --quiet'
            kinds=(user word word)
            ;;
        'device remove')
            commands=''
            options='--if-there --yes --help -h --version -V --config --json --quiet'
            kinds=(user word)
            ;;
        'device resync')
            commands=''
            options='--help -h --version -V --config --json --quiet'
            kinds=(user word)
            ;;
        'backup-codes')
            commands=''
            options='--count --sheet --yes --help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'bypass')
            commands=''
            options='--for --uses --revoke --help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'waive')
            commands=''
            options='--until --reason --end --help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'invite')
            commands=''
            options='--until --if-needed --end --help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'verify')
            commands=''
            options='--help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'status')
            commands=''
            options='--help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'list')
            commands=''
            options='--not-enrolled --all --locked --few-backup-codes --never-used --short-secret --orphaned --invited --sort --format --help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'unlock')
            commands=''
            options='--help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'remove')
            commands=''
            options='--uid --vanished --dry-run --if-enrolled --yes --help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'rebind')
            commands=''
            options='--from-name --from-uid --yes --help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'doctor')
            commands=''
            options='--mend --only --bundle --help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'import')
            commands='google-authenticator oath read-own-file'
            options='--help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'import google-authenticator')
            commands=''
            options='--all --file --path --dry-run --allow-short-secret --help -h --version -V --config --json --quiet'
            kinds=(word)
            ;;
        'import oath')
            commands=''
            options='--user --dry-run --allow-short-secret --help -h --version -V --config --json --quiet'
            kinds=(file)
            ;;
        'import read-own-file')
            commands=''
            options='--help -h --version -V --config --json --quiet'
            kinds=(file)
            ;;
        'policy')
            commands='explain check'
            options='--help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'policy explain')
            commands=''
            options='--service --from --ssh-key --nullok --help -h --version -V --config --json --quiet'
            kinds=(user)
            ;;
        'policy check')
            commands=''
            options='--allow-warnings --help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'key')
            commands='list rotate backup restore'
            options='--help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'key list')
            commands=''
            options='--help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'key rotate')
            commands=''
            options='--keep-old --help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'key backup')
            commands=''
            options='--output --qr --qr-png --qr-svg --yes --help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'key restore')
            commands=''
            options='--from --help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'store')
            commands='backup restore'
            options='--help -h --version -V --config --json --quiet'
            kinds=()
            ;;
        'store backup')
            commands=''
            options='--user --passphrase --under-master-key --help -h --version -V --config --json --quiet'
            kinds=(file)
            ;;
        'store restore')
            commands=''
            options='--user --dry-run --yes --allow-used-codes --help -h --version -V --config --json --quiet'
            kinds=(file)
            ;;
    esac
}

# What the value of an option is.
_nightlatch_value() {
    case $1:$2 in
        ':--config') kind=file ;;
        'init:--config') kind=file ;;
        'enroll:--from') kind=file ;;
        'enroll:--output') kind=directory ;;
        'enroll:--format') values='pdf html txt' ;;
        'enroll:--algorithm') values='sha1 sha256 sha512' ;;
        'enroll:--qr') values='auto utf8 ansi none' ;;
        'enroll:--qr-png') kind=file ;;
        'enroll:--qr-svg') kind=file ;;
        'enroll:--sheet') kind=file ;;
        'enroll:--config') kind=file ;;
        'device:--config') kind=file ;;
        'device list:--config') kind=file ;;
        'device add:--algorithm') values='sha1 sha256 sha512' ;;
        'device add:--qr') values='auto utf8 ansi none' ;;
        'device add:--qr-png') kind=file ;;
        'device add:--qr-svg') kind=file ;;
        'device add:--sheet') kind=file ;;
        'device add:--config') kind=file ;;
        'device rename:--config') kind=file ;;
        'device remove:--config') kind=file ;;
        'device resync:--config') kind=file ;;
        'backup-codes:--sheet') kind=file ;;
        'backup-codes:--config') kind=file ;;
        'bypass:--config') kind=file ;;
        'waive:--config') kind=file ;;
        'invite:--config') kind=file ;;
        'verify:--config') kind=file ;;
        'status:--config') kind=file ;;
        'list:--sort') values='user uid last-login failures' ;;
        'list:--format') values='table csv json' ;;
        'list:--config') kind=file ;;
        'unlock:--config') kind=file ;;
        'remove:--config') kind=file ;;
        'rebind:--config') kind=file ;;
        'doctor:--only') values='store config module services sshd people escape etckeeper clock labels' ;;
        'doctor:--bundle') kind=file ;;
        'doctor:--config') kind=file ;;
        'import:--config') kind=file ;;
        'import google-authenticator:--file') kind=file ;;
        'import google-authenticator:--config') kind=file ;;
        'import oath:--config') kind=file ;;
        'import read-own-file:--config') kind=file ;;
        'policy:--config') kind=file ;;
        'policy explain:--config') kind=file ;;
        'policy check:--config') kind=file ;;
        'key:--config') kind=file ;;
        'key list:--config') kind=file ;;
        'key rotate:--config') kind=file ;;
        'key backup:--output') kind=file ;;
        'key backup:--qr') values='auto utf8 ansi none' ;;
        'key backup:--qr-png') kind=file ;;
        'key backup:--qr-svg') kind=file ;;
        'key backup:--config') kind=file ;;
        'key restore:--from') kind=file ;;
        'key restore:--config') kind=file ;;
        'store:--config') kind=file ;;
        'store backup:--config') kind=file ;;
        'store restore:--config') kind=file ;;
    esac
}

_nightlatch() {
    local current=${COMP_WORDS[COMP_CWORD]} command= option= word at=0 ended= i
    local commands= options= kinds=() values= kind=
    COMPREPLY=()
    # readline splits at =, so that --option=value comes as three words.
    [[ $current != = ]] || current=
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = ]]; then
            continue
        elif [[ -n $option ]]; then
            option=
        elif [[ -z $ended && $word == -- ]]; then
            ended=1
        elif [[ -z $ended && $word == -* ]]; then
            ! _nightlatch_takes_a_value "$command" "$word" || option=$word
        else
            _nightlatch_knows "$command"
            if [[ " $commands " == *" $word "* ]]; then
                command=${command:+$command }$word
            else
                ((at += 1))
            fi
        fi
    done
    _nightlatch_knows "$command"
    if [[ -n $option ]]; then
        _nightlatch_value "$command" "$option"
    elif [[ -z $ended && $current == -* ]]; then
        values=$options
    elif [[ -n $commands ]]; then
        values=$commands
    else
        kind=${kinds[at]-}
    fi
    case $kind in
        user) mapfile -t COMPREPLY < <(compgen -u -- "$current") ;;
        file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        directory) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current") ;;
    esac
}

complete -F _nightlatch nightlatch
