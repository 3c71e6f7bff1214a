/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * An application that drives libpam as badly as an application may: replies that are missing, huge, not text, or junk.
 * It may not judge: it prints what the conversation was shown and what libpam answered, one event a line, and tests compare.
 * Build: gcc -Wall -Wextra -O1 -o driver driver.c -lpam        Replies stand in argv: a tool for tests only. */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <malloc.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char usage[] =
    "usage: driver [OPTION...] SERVICE USER [OP...]\n"
    "  USER            '-' hands libpam no user, so that the module has to ask\n"
    "  OP              authenticate setcred delcred account open close chauthtok (default: authenticate), on one handle\n"
    "replies, one for each prompt, in the order given; when they run out the conversation answers PAM_CONV_ERR:\n"
    "  --reply TEXT    --reply-file FILE (raw bytes, up to the first NUL)    --reply-size N (N bytes of '1')\n"
    "  --reply-stdin   a line of stdin, read when it is asked for, into the reply itself: the driver has no copy\n"
    "  --reply-null    PAM_SUCCESS, resp->resp is NULL\n"
    "  --reply-none    PAM_SUCCESS, *resp is NULL\n"
    "  --reply-error   PAM_CONV_ERR, *resp untouched\n"
    "  --reply-error-set  PAM_CONV_ERR, *resp is an address that kills whoever reads or frees it\n"
    "  --reply-again   PAM_CONV_AGAIN, *resp untouched\n"
    "  --reply-sleep MS   waits, then goes on with the reply after it\n"
    "  --reply-set ITEM=VALUE  sets an item inside the conversation, then goes on with the reply after it; without '=' to NULL.\n"
    "                  ITEM: service user rhost ruser tty prompt authtok oldauthtok conv (a second function, whatever VALUE)\n"
    "the application:\n"
    "  --info-error    answers PAM_CONV_ERR to whatever is not a prompt\n"
    "  --info-to FILE  appends whatever is not a prompt to FILE and prints nothing of it: the driver keeps no copy\n"
    "  --info-set ITEM=VALUE  sets an item whenever it is given whatever is not a prompt\n"
    "  --conv-null     a conversation structure without a function\n"
    "  --rhost H  --ruser U  --tty T  --env NAME=VALUE (repeatable)  --silent (PAM_SILENT in every op)\n"
    "  --no-delay      PAM_FAIL_DELAY is a callback that prints the delay and does not wait\n"
    "  --confdir DIR   service files from DIR alone (pam_start_confdir)\n"
    "  --repeat N      pam_start to pam_end N times in this process, with the same replies each time\n"
    "  --barrier FILE  prints 'ready', then waits before the first op until FILE is gone\n"
    "  --hold          prints 'held' and waits for a line of stdin, after the ops and again after pam_end\n"
    "  --keep          keeps a copy of every reply, as no application should\n"
    "what is printed besides:\n"
    "  --state         what a module must leave as it was, before and after the ops and after pam_end\n"
    "  --heap          bytes that malloc has given and not got back, after pam_end\n"
    "  --pamuser-after PAM_USER after the ops\n"
    "  --pamenv-after  the PAM environment after the ops, one 'pamenv \"NAME=VALUE\"' a line\n"
    "exit status: 0 when every op returned PAM_SUCCESS, 1 when one did not, 2 for a wrong command line\n";

/* No --authtok: an application cannot set PAM_AUTHTOK. pam_set_item() lets modules alone do that and answers PAM_BAD_ITEM here.
 * A test that needs one stacks pam_unix or pam_exec's expose_authtok before the module and gives it a --reply. */

enum kind { REPLY_TEXT, REPLY_STDIN, REPLY_NULL, REPLY_NONE, REPLY_ERROR, REPLY_ERROR_SET, REPLY_AGAIN, REPLY_SLEEP, REPLY_SET };

struct reply {
    enum kind kind;
    const char *text;
    long milliseconds;
};

static struct {
    struct reply list[4096];
    size_t count, next;
    bool info_error, keep;
    const char *info_set, *info_to;
    void *junk;
    char *kept;
    pam_handle_t *pamh;
} script;

static void die(const char *what, const char *object) {
    fflush(stdout);
    fprintf(stderr, "driver: %s: %s\n", what, object);
    exit(2);
}

static void sleep_ms(long milliseconds) {
    struct timespec left = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
    while (nanosleep(&left, &left) == -1 && errno == EINTR) {
    }
}

static long number(const char *text, const char *option) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 0 || value > 1L << 30) die("not a number", option);
    return value;
}

static void add(struct reply reply) {
    if (script.count == sizeof script.list / sizeof *script.list) die("too many replies", "4096 at most");
    script.list[script.count++] = reply;
}

static char *contents(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) die(strerror(errno), path);
    char *text = NULL;
    size_t size = 0;
    ssize_t length = getdelim(&text, &size, '\0', file);
    if (length == -1) {
        if (ferror(file)) die(strerror(errno), path);
        free(text);
        text = strdup("");
    }
    fclose(file);
    return text;
}

/* Not by stdio, whose buffer would keep what was read. Of a size that malloc keeps apart once it is freed: what the module
 * did not wipe stays. */
static char *line_of_stdin(void) {
    const size_t room = 1000;
    char *line = calloc(room, 1);
    if (line == NULL) die("no memory for", "a line");
    for (size_t length = 0; length < room - 1 && read(STDIN_FILENO, line + length, 1) == 1; length++)
        if (line[length] == '\n') {
            line[length] = '\0';
            break;
        }
    return line;
}

static char *ones(long size) {
    char *text = malloc((size_t)size + 1);
    if (text == NULL) die("no memory for", "--reply-size");
    memset(text, '1', (size_t)size);
    text[size] = '\0';
    return text;
}

/* UTF-8 is left as it is, so that a test can look for half blocks; control bytes, which could forge a line, are not. */
static void print_quoted(const char *text) {
    if (text == NULL) {
        fputs("NULL", stdout);
        return;
    }
    putchar('"');
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p == '\n') fputs("\\n", stdout);
        else if (*p == '\t') fputs("\\t", stdout);
        else if (*p == '\r') fputs("\\r", stdout);
        else if (*p == '"' || *p == '\\') printf("\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f) printf("\\x%02x", *p);
        else putchar(*p);
    }
    putchar('"');
}

static const char *style_name(int style) {
    switch (style) {
    case PAM_PROMPT_ECHO_OFF: return "prompt off";
    case PAM_PROMPT_ECHO_ON: return "prompt on";
    case PAM_TEXT_INFO: return "info";
    case PAM_ERROR_MSG: return "error";
    default: return "style-unknown";
    }
}

static void discard(struct pam_response *answers, int count) {
    for (int i = 0; i < count; i++) free(answers[i].resp);
    free(answers);
}

static int converse_again(int count, const struct pam_message **messages, struct pam_response **responses, void *data);

/* libpam counts the conversation as the module's doing, so that even PAM_AUTHTOK may be set here. */
static void change_item(const char *change) {
    static const struct { const char *name; int item; } items[] = {
        {"service", PAM_SERVICE}, {"user", PAM_USER}, {"rhost", PAM_RHOST}, {"ruser", PAM_RUSER}, {"tty", PAM_TTY},
        {"prompt", PAM_USER_PROMPT}, {"authtok", PAM_AUTHTOK}, {"oldauthtok", PAM_OLDAUTHTOK}, {"conv", PAM_CONV},
    };
    static const struct pam_conv second = {converse_again, NULL};
    size_t length = strcspn(change, "=");
    const void *value = change[length] == '=' ? change + length + 1 : NULL;
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        if (strlen(items[i].name) != length || strncmp(items[i].name, change, length) != 0) continue;
        if (items[i].item == PAM_CONV) value = &second;
        if (pam_set_item(script.pamh, items[i].item, value) != PAM_SUCCESS) die("libpam does not set", change);
        return;
    }
    die("no such item", change);
}

static void append(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0) die("cannot write", path);
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *data) {
    (void)data;
    if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
    struct pam_response *answers = calloc((size_t)count, sizeof *answers);
    if (answers == NULL) return PAM_BUF_ERR;

    for (int i = 0; i < count; i++) {
        int style = messages[i]->msg_style;
        if (script.info_to != NULL && style != PAM_PROMPT_ECHO_OFF && style != PAM_PROMPT_ECHO_ON) {
            append(script.info_to, messages[i]->msg);
            continue;
        }
        printf("%s ", style_name(style));
        print_quoted(messages[i]->msg);
        putchar('\n');

        if (style != PAM_PROMPT_ECHO_OFF && style != PAM_PROMPT_ECHO_ON) {
            if (script.info_set != NULL) change_item(script.info_set);
            if (!script.info_error) continue;
            discard(answers, count);
            return PAM_CONV_ERR;
        }

        for (; script.next < script.count && script.list[script.next].kind >= REPLY_SLEEP; script.next++) {
            if (script.list[script.next].kind == REPLY_SLEEP) sleep_ms(script.list[script.next].milliseconds);
            else change_item(script.list[script.next].text);
        }
        if (script.next == script.count) {
            puts("replies-exhausted");
            discard(answers, count);
            return PAM_CONV_ERR;
        }

        const struct reply *reply = &script.list[script.next++];
        switch (reply->kind) {
        case REPLY_TEXT:
            answers[i].resp = strdup(reply->text);
            if (answers[i].resp == NULL) die("no memory for", "a reply");
            break;
        case REPLY_STDIN:
            answers[i].resp = line_of_stdin();
            break;
        case REPLY_NULL:
            break;
        case REPLY_NONE:
            discard(answers, count);
            *responses = NULL;
            return PAM_SUCCESS;
        case REPLY_ERROR_SET:
            discard(answers, count);
            *responses = script.junk;
            return PAM_CONV_ERR;
        case REPLY_AGAIN:
            discard(answers, count);
            return PAM_CONV_AGAIN;
        case REPLY_ERROR:
        case REPLY_SLEEP:
        case REPLY_SET:
            discard(answers, count);
            return PAM_CONV_ERR;
        }
        if (script.keep && answers[i].resp != NULL) script.kept = strdup(answers[i].resp);
    }
    *responses = answers;
    return PAM_SUCCESS;
}

static int converse_again(int count, const struct pam_message **messages, struct pam_response **responses, void *data) {
    puts("second-conversation");
    return converse(count, messages, responses, data);
}

static void no_delay(int status, unsigned microseconds, void *data) {
    (void)data;
    printf("delay %d %u\n", status, microseconds);
}

static const char *status_name(int status) {
    static const char *const names[] = {
        "PAM_SUCCESS", "PAM_OPEN_ERR", "PAM_SYMBOL_ERR", "PAM_SERVICE_ERR", "PAM_SYSTEM_ERR", "PAM_BUF_ERR",
        "PAM_PERM_DENIED", "PAM_AUTH_ERR", "PAM_CRED_INSUFFICIENT", "PAM_AUTHINFO_UNAVAIL", "PAM_USER_UNKNOWN",
        "PAM_MAXTRIES", "PAM_NEW_AUTHTOK_REQD", "PAM_ACCT_EXPIRED", "PAM_SESSION_ERR", "PAM_CRED_UNAVAIL",
        "PAM_CRED_EXPIRED", "PAM_CRED_ERR", "PAM_NO_MODULE_DATA", "PAM_CONV_ERR", "PAM_AUTHTOK_ERR",
        "PAM_AUTHTOK_RECOVERY_ERR", "PAM_AUTHTOK_LOCK_BUSY", "PAM_AUTHTOK_DISABLE_AGING", "PAM_TRY_AGAIN",
        "PAM_IGNORE", "PAM_ABORT", "PAM_AUTHTOK_EXPIRED", "PAM_MODULE_UNKNOWN", "PAM_BAD_ITEM", "PAM_CONV_AGAIN",
        "PAM_INCOMPLETE",
    };
    if (status < 0 || (size_t)status >= sizeof names / sizeof *names) return "PAM_UNKNOWN";
    return names[status];
}

static bool report(const char *op, int status) {
    printf("%s %d %s\n", op, status, status_name(status));
    fflush(stdout);
    return status == PAM_SUCCESS;
}

static int open_files(void) {
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) die(strerror(errno), "/proc/self/fd");
    int count = -1; /* the directory itself */
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (entry->d_name[0] != '.') count++;
    closedir(directory);
    return count;
}

static void print_signals(void) {
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL) die(strerror(errno), "/proc/self/status");
    char line[256], name[16], value[64];
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%15[^:]: %63s", name, value) != 2) continue;
        if (strcmp(name, "SigBlk") == 0) printf(" sigmask=%s", value);
        if (strcmp(name, "SigIgn") == 0) printf(" sigignored=%s", value);
        if (strcmp(name, "SigCgt") == 0) printf(" sigcaught=%s", value);
    }
    fclose(file);
}

static void print_state(const char *when) {
    uid_t uid, euid, suid;
    gid_t gid, egid, sgid, groups[1024];
    getresuid(&uid, &euid, &suid);
    getresgid(&gid, &egid, &sgid);
    printf("state %s uid=%u euid=%u suid=%u gid=%u egid=%u sgid=%u groups=", when, uid, euid, suid, gid, egid, sgid);
    int count = getgroups(1024, groups);
    for (int i = 0; i < count; i++) printf("%s%u", i == 0 ? "" : ",", groups[i]);
    mode_t mask = umask(0);
    umask(mask);
    char *cwd = getcwd(NULL, 0);
    printf(" umask=%04o cwd=", (unsigned)mask);
    print_quoted(cwd);
    free(cwd);
    printf(" fds=%d", open_files());
    print_signals();
    int entries = 0;
    while (environ != NULL && environ[entries] != NULL) entries++;
    printf(" environ=%d\n", entries);
    fflush(stdout);
}

static void hold(void) {
    puts("held");
    fflush(stdout);
    free(line_of_stdin());
}

struct options {
    const char *service, *user, *confdir, *rhost, *ruser, *tty, *barrier;
    const char *env[256];
    size_t env_count;
    int flags;
    bool no_delay, state, heap, hold, pamuser_after, pamenv_after, conv_null;
};

static int run_op(pam_handle_t *pamh, const char *op, int flags) {
    if (strcmp(op, "authenticate") == 0) return pam_authenticate(pamh, flags);
    if (strcmp(op, "setcred") == 0) return pam_setcred(pamh, flags | PAM_ESTABLISH_CRED);
    if (strcmp(op, "delcred") == 0) return pam_setcred(pamh, flags | PAM_DELETE_CRED);
    if (strcmp(op, "account") == 0) return pam_acct_mgmt(pamh, flags);
    if (strcmp(op, "open") == 0) return pam_open_session(pamh, flags);
    if (strcmp(op, "close") == 0) return pam_close_session(pamh, flags);
    if (strcmp(op, "chauthtok") == 0) return pam_chauthtok(pamh, flags);
    die("no such op", op);
    return PAM_SYSTEM_ERR;
}

static void set_item(pam_handle_t *pamh, int item, const void *value, const char *name) {
    if (value == NULL) return;
    int status = pam_set_item(pamh, item, value);
    if (status != PAM_SUCCESS) die(status_name(status), name);
}

static bool run(const struct options *options, char **ops, int op_count) {
    script.next = 0;
    pam_handle_t *pamh = NULL;
    struct pam_conv conversation = {options->conv_null ? NULL : converse, NULL};
    int status = options->confdir != NULL
        ? pam_start_confdir(options->service, options->user, &conversation, options->confdir, &pamh)
        : pam_start(options->service, options->user, &conversation, &pamh);
    if (status != PAM_SUCCESS) return report("start", status);
    script.pamh = pamh;

    set_item(pamh, PAM_RHOST, options->rhost, "--rhost");
    set_item(pamh, PAM_RUSER, options->ruser, "--ruser");
    set_item(pamh, PAM_TTY, options->tty, "--tty");
    if (options->no_delay) set_item(pamh, PAM_FAIL_DELAY, (const void *)no_delay, "--no-delay");
    for (size_t i = 0; i < options->env_count; i++)
        if (pam_putenv(pamh, options->env[i]) != PAM_SUCCESS) die("libpam refuses --env", options->env[i]);

    if (options->state) print_state("before");
    if (options->barrier != NULL) {
        puts("ready");
        fflush(stdout);
        while (access(options->barrier, F_OK) == 0) sleep_ms(1);
    }

    bool good = true;
    static char *default_ops[] = {"authenticate"};
    if (op_count == 0) {
        ops = default_ops;
        op_count = 1;
    }
    for (int i = 0; i < op_count; i++) {
        status = run_op(pamh, ops[i], options->flags);
        good &= report(ops[i], status);
    }
    if (options->state) print_state("after");
    if (options->hold) hold();

    if (options->pamuser_after) {
        const void *user = NULL;
        pam_get_item(pamh, PAM_USER, &user);
        fputs("pamuser ", stdout);
        print_quoted(user);
        putchar('\n');
    }
    if (options->pamenv_after) {
        char **list = pam_getenvlist(pamh);
        for (char **entry = list; entry != NULL && *entry != NULL; entry++) {
            fputs("pamenv ", stdout);
            print_quoted(*entry);
            putchar('\n');
            free(*entry);
        }
        free(list);
    }

    status = pam_end(pamh, status);
    if (status != PAM_SUCCESS) good = report("end", status);
    if (options->hold) hold();
    if (options->state) print_state("end");
    if (options->heap) {
        struct mallinfo2 info = mallinfo2();
        printf("heap %zu\n", info.uordblks + info.hblkhd);
    }
    return good;
}

int main(int argc, char **argv) {
    /* A module that crashes must not take the lines before the crash with it. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    enum {
        TEXT = 256, FILE_, STDIN, SIZE, NULL_, NONE, ERROR_, ERROR_SET, AGAIN, SLEEP, SET, INFO_ERROR, INFO_SET, INFO_TO, CONV_NULL, RHOST,
        RUSER, TTY, ENV, SILENT, NO_DELAY, CONFDIR, REPEAT, BARRIER, HOLD, KEEP, STATE, HEAP, PAMUSER_AFTER, PAMENV_AFTER, HELP
    };
    static const struct option known[] = {
        {"reply", 1, NULL, TEXT}, {"reply-file", 1, NULL, FILE_}, {"reply-size", 1, NULL, SIZE},
        {"reply-stdin", 0, NULL, STDIN}, {"reply-null", 0, NULL, NULL_}, {"reply-none", 0, NULL, NONE}, {"reply-error", 0, NULL, ERROR_},
        {"reply-error-set", 0, NULL, ERROR_SET}, {"reply-again", 0, NULL, AGAIN}, {"reply-sleep", 1, NULL, SLEEP},
        {"reply-set", 1, NULL, SET}, {"info-set", 1, NULL, INFO_SET}, {"info-to", 1, NULL, INFO_TO}, {"info-error", 0, NULL, INFO_ERROR}, {"conv-null", 0, NULL, CONV_NULL}, {"rhost", 1, NULL, RHOST},
        {"ruser", 1, NULL, RUSER}, {"tty", 1, NULL, TTY}, {"env", 1, NULL, ENV}, {"silent", 0, NULL, SILENT},
        {"no-delay", 0, NULL, NO_DELAY}, {"confdir", 1, NULL, CONFDIR}, {"repeat", 1, NULL, REPEAT},
        {"barrier", 1, NULL, BARRIER}, {"hold", 0, NULL, HOLD}, {"keep", 0, NULL, KEEP}, {"state", 0, NULL, STATE}, {"heap", 0, NULL, HEAP},
        {"pamuser-after", 0, NULL, PAMUSER_AFTER}, {"pamenv-after", 0, NULL, PAMENV_AFTER},
        {"help", 0, NULL, HELP}, {NULL, 0, NULL, 0},
    };
    struct options options = {0};
    long repeat = 1;

    script.junk = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (script.junk == MAP_FAILED) die(strerror(errno), "mmap");

    /* '+': a reply or a user that looks like an option is still what stands where it stands. */
    for (int option; (option = getopt_long(argc, argv, "+", known, NULL)) != -1;) {
        switch (option) {
        case TEXT: add((struct reply){.kind = REPLY_TEXT, .text = optarg}); break;
        case FILE_: add((struct reply){.kind = REPLY_TEXT, .text = contents(optarg)}); break;
        case STDIN: add((struct reply){.kind = REPLY_STDIN}); break;
        case SIZE: add((struct reply){.kind = REPLY_TEXT, .text = ones(number(optarg, "--reply-size"))}); break;
        case NULL_: add((struct reply){.kind = REPLY_NULL}); break;
        case NONE: add((struct reply){.kind = REPLY_NONE}); break;
        case ERROR_: add((struct reply){.kind = REPLY_ERROR}); break;
        case ERROR_SET: add((struct reply){.kind = REPLY_ERROR_SET}); break;
        case AGAIN: add((struct reply){.kind = REPLY_AGAIN}); break;
        case SLEEP: add((struct reply){.kind = REPLY_SLEEP, .milliseconds = number(optarg, "--reply-sleep")}); break;
        case SET: add((struct reply){.kind = REPLY_SET, .text = optarg}); break;
        case INFO_SET: script.info_set = optarg; break;
        case INFO_TO: script.info_to = optarg; break;
        case INFO_ERROR: script.info_error = true; break;
        case CONV_NULL: options.conv_null = true; break;
        case RHOST: options.rhost = optarg; break;
        case RUSER: options.ruser = optarg; break;
        case TTY: options.tty = optarg; break;
        case ENV:
            if (options.env_count == sizeof options.env / sizeof *options.env) die("too many", "--env");
            options.env[options.env_count++] = optarg;
            break;
        case SILENT: options.flags = (int)PAM_SILENT; break;
        case NO_DELAY: options.no_delay = true; break;
        case CONFDIR: options.confdir = optarg; break;
        case REPEAT: repeat = number(optarg, "--repeat"); break;
        case BARRIER: options.barrier = optarg; break;
        case HOLD: options.hold = true; break;
        case KEEP: script.keep = true; break;
        case STATE: options.state = true; break;
        case HEAP: options.heap = true; break;
        case PAMUSER_AFTER: options.pamuser_after = true; break;
        case PAMENV_AFTER: options.pamenv_after = true; break;
        case HELP: fputs(usage, stdout); return 0;
        default: fputs(usage, stderr); return 2;
        }
    }
    if (argc - optind < 2) {
        fputs(usage, stderr);
        return 2;
    }
    options.service = argv[optind];
    options.user = strcmp(argv[optind + 1], "-") == 0 ? NULL : argv[optind + 1];

    char **ops = argv + optind + 2;
    int op_count = argc - optind - 2;
    for (int i = 0; i < op_count; i++) {
        static const char *const op_names[] = {"authenticate", "setcred", "delcred", "account", "open", "close", "chauthtok"};
        bool found = false;
        for (size_t k = 0; k < sizeof op_names / sizeof *op_names; k++) found |= strcmp(ops[i], op_names[k]) == 0;
        if (!found) die("no such op", ops[i]);
    }

    bool good = true;
    for (long i = 0; i < repeat; i++) good &= run(&options, ops, op_count);
    return good ? 0 : 1;
}
