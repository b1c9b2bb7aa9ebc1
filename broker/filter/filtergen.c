/*
 * filtergen DIR: the seccomp filters, made from DIR/payload.list and DIR/supervisor.list and printed
 * as a C header.
 *
 * A tool of the build: never installed, never privileged; so the helper carries two constant arrays
 * instead of a filter compiler. Trusts the lists. On error it names file and line and fails the build.
 *
 * A list is read line by line, '#' begins a comment:
 *	otherwise ENOSYS|KILL                  what becomes of everything else, foreign ABIs included
 *	allow NAME...                          may be called
 *	refuse NAME...                         EPERM, so that programs see "not permitted", not "no such call"
 *	allow|refuse NAME... if N & MASK == X  only where argument N (from 0), masked, is X
 * A refusal with "if" counts before any allow, one without it after: so "refuse ioctl if ..." with
 * "allow ioctl" is an exception, "allow socket if ..." with "refuse socket" are the exceptions to it.
 * NAME may be NAME=NUMBER for calls younger than libseccomp.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RULES_MAX 1024
#define NUMBER_MAX 1023  /* above any call's */
#define PROGRAM_MAX 4096 /* BPF_MAXINSNS */

/* What a pass returns for calls it does not decide; its returns become jumps to the next pass. */
#define UNDECIDED SCMP_ACT_TRACE(1)

struct rule {
	int number;
	bool allow, conditional;
	struct scmp_arg_cmp condition;
};

struct list {
	const char *path;
	unsigned line;
	uint32_t otherwise; /* 0: not said yet */
	struct rule rules[RULES_MAX];
	size_t count;
};

struct program {
	struct sock_filter code[PROGRAM_MAX];
	size_t count;
};

_Noreturn static void
filtergen_fail(const struct list *list, const char *what, const char *about)
{
	fprintf(stderr, "filtergen: %s:%u: %s %s\n", list->path, list->line, what, about);
	exit(1);
}

/* --- reading -------------------------------------------------------------------------------------- */

/* The condition behind "if", all of which must be there. */
static struct scmp_arg_cmp
filtergen_condition(const struct list *list, const char *text)
{
	unsigned argument;
	long long mask, value;
	int end = 0;

	/* %lli: decimal, or hexadecimal behind 0x. */
	if (sscanf(text, " %u & %lli == %lli %n", &argument, &mask, &value, &end) != 3 ||
	    text[end] != '\0' || argument > 5 || mask < 0 || (value & ~mask) != 0)
		filtergen_fail(list, "no condition:", text);
	return (struct scmp_arg_cmp){argument, SCMP_CMP_MASKED_EQ, (uint64_t)mask, (uint64_t)value};
}

static int
filtergen_number(const struct list *list, char *name)
{
	char *equals = strchr(name, '=');
	int known;

	if (equals != NULL)
		*equals = '\0';
	known = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);
	if (known < 0 && equals != NULL)
		known = atoi(equals + 1);
	else if (known >= 0 && equals != NULL && known != atoi(equals + 1))
		filtergen_fail(list, "not its number:", name);
	if (known < 0)
		filtergen_fail(list, "no such system call:", name);
	return known;
}

/* A call named twice with the same effect is a slip; with a condition it is an "or". */
static void
filtergen_add(struct list *list, const struct rule *rule, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->rules[i].number == rule->number && !list->rules[i].conditional &&
		    !rule->conditional)
			filtergen_fail(list, "named before:", name);
	if (list->count == RULES_MAX)
		filtergen_fail(list, "too many rules at", name);
	list->rules[list->count++] = *rule;
}

static void
filtergen_line(struct list *list, char *line)
{
	struct rule rule = {.number = -1};
	char *condition, *rest, *word;

	line[strcspn(line, "#\n")] = '\0';
	condition = strstr(line, " if ");
	if (condition != NULL) {
		*condition = '\0';
		rule.conditional = true;
		rule.condition = filtergen_condition(list, condition + 4);
	}
	word = strtok_r(line, " \t", &rest);
	if (word == NULL)
		return;
	if (strcmp(word, "otherwise") == 0) {
		word = strtok_r(NULL, " \t", &rest);
		if (word == NULL || (strcmp(word, "KILL") != 0 && strcmp(word, "ENOSYS") != 0))
			filtergen_fail(list, "neither ENOSYS nor KILL:", word != NULL ? word : "");
		list->otherwise =
		    strcmp(word, "KILL") == 0 ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(ENOSYS);
		return;
	}
	rule.allow = strcmp(word, "allow") == 0;
	if (!rule.allow && strcmp(word, "refuse") != 0)
		filtergen_fail(list, "unknown word", word);
	while ((word = strtok_r(NULL, " \t", &rest)) != NULL) {
		rule.number = filtergen_number(list, word);
		filtergen_add(list, &rule, word);
	}
	if (rule.number < 0)
		filtergen_fail(list, "a rule without", "a name");
}

static void
filtergen_read(struct list *list, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	list->path = path;
	if (file == NULL)
		filtergen_fail(list, "cannot be opened:", strerror(errno));
	while (getline(&line, &size, file) > 0) {
		list->line++;
		filtergen_line(list, line);
	}
	if (ferror(file) || list->otherwise == 0 || list->count == 0)
		filtergen_fail(list, "not readable, empty, or without", "'otherwise'");
	free(line);
	fclose(file);
}

/* --- making --------------------------------------------------------------------------------------- */

/* 0: refusals with a condition. 1: what is allowed with one. 2: what needs none. */
static int
filtergen_pass(const struct rule *rule)
{
	return rule->conditional ? rule->allow : 2;
}

/* What libseccomp makes of the context, behind what the program holds already. */
static void
filtergen_export(const struct list *list, scmp_filter_ctx context, struct program *program)
{
	struct sock_filter *code = program->code + program->count;
	size_t room = (PROGRAM_MAX - program->count) * sizeof(*code);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t length = -1;

	if (fd >= 0 && seccomp_export_bpf(context, fd) == 0)
		length = pread(fd, code, room, 0);
	if (length <= 0 || (size_t)length == room || (size_t)length % sizeof(*code) != 0)
		filtergen_fail(list, "the filter cannot be made", "or is too long");
	close(fd);
	program->count += (size_t)length / sizeof(*code);
	for (struct sock_filter *end = program->code + program->count; code < end; code++)
		if (code->code == (BPF_RET | BPF_K) && code->k == UNDECIDED)
			*code = (struct sock_filter)BPF_JUMP(
			    BPF_JMP | BPF_JA, (uint32_t)(end - code - 1), 0, 0);
}

/*
 * libseccomp lets a rule without a condition swallow those with one for the same call, and compares
 * all 64 bits where it says "not equal" (the hole of CVE-2019-10063: TIOCSTI | 1 << 32). Hence masked
 * equality alone, in passes that are run one behind the other.
 */
static void
filtergen_make(const struct list *list, int pass, struct program *program)
{
	scmp_filter_ctx context = seccomp_init(UNDECIDED);
	int error = context == NULL ? -ENOMEM : 0;

	if (error == 0)
		error = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, list->otherwise);
	/* A binary tree instead of a long ladder: it halves the time the kernel takes to load it. */
	if (error == 0)
		error = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; error == 0 && i < list->count; i++) {
		const struct rule *rule = &list->rules[i];

		if (filtergen_pass(rule) == pass)
			error = seccomp_rule_add_exact_array(context,
			    rule->allow ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM), rule->number, 1,
			    &rule->condition);
	}
	if (error != 0)
		filtergen_fail(list, "libseccomp says", strerror(-error));
	filtergen_export(list, context, program);
	seccomp_release(context);
}

static void
filtergen_emit(const struct list *list, struct program *program, unsigned code, size_t jt,
    size_t jf, uint32_t k)
{
	if (program->count == PROGRAM_MAX || jt > UINT8_MAX || jf > UINT8_MAX)
		filtergen_fail(list, "the filter is too long", "");
	program->code[program->count++] =
	    (struct sock_filter){(uint16_t)code, (uint8_t)jt, (uint8_t)jf, k};
}

/* What becomes of a call, as the distance of the instruction that says so from the first of them. */
enum outcome { ALLOWED, REFUSED, OTHERWISE };

/* From this number on, up to the next edge's. */
struct edge {
	uint32_t number;
	enum outcome outcome;
};

/* A search tree over edges[from..to), each node one instruction. leaves: index of the first outcome's instruction. */
static void
filtergen_tree(const struct list *list, struct program *program, const struct edge *edges,
    size_t from, size_t to, size_t leaves)
{
	size_t middle = from + (to - from) / 2, here = program->count;
	size_t below = leaves + (middle ? edges[middle - 1].outcome : OTHERWISE) - here - 1,
	       above = leaves + edges[to - 1].outcome - here - 1;

	filtergen_emit(list, program, BPF_JMP | BPF_JGE | BPF_K, above, from < middle ? 0 : below,
	    edges[middle].number);
	if (from < middle)
		filtergen_tree(list, program, edges, from, middle, leaves);
	if (middle + 1 < to) {
		/* Cut to eight bits it would lead somewhere else. */
		if (program->count - here - 1 > UINT8_MAX)
			filtergen_fail(list, "the filter is too long", "");
		program->code[here].jt = (uint8_t)(program->count - here - 1);
		filtergen_tree(list, program, edges, middle + 1, to, leaves);
	}
}

/*
 * Nearly all calls, in a fifth of the instructions libseccomp takes for them: it compares each number, and the kernel
 * translates every comparison at each launch. Foreign ABIs are "otherwise": another architecture by the first
 * comparison, x32 by its numbers, which are above all of these.
 */
static void
filtergen_ranges(const struct list *list, struct program *program)
{
	static enum outcome outcomes[NUMBER_MAX + 1];
	static struct edge edges[NUMBER_MAX + 1];
	size_t count = 0;

	for (int i = 0; i <= NUMBER_MAX; i++)
		outcomes[i] = OTHERWISE;
	for (size_t i = 0; i < list->count; i++) {
		if (filtergen_pass(&list->rules[i]) != 2)
			continue;
		if (list->rules[i].number >= NUMBER_MAX)
			filtergen_fail(list, "no number of a system call", "");
		outcomes[list->rules[i].number] = list->rules[i].allow ? ALLOWED : REFUSED;
	}
	for (int i = 0; i <= NUMBER_MAX; i++)
		if (outcomes[i] != (i > 0 ? outcomes[i - 1] : OTHERWISE))
			edges[count++] = (struct edge){(uint32_t)i, outcomes[i]};
	filtergen_emit(
	    list, program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	filtergen_emit(
	    list, program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1 + count + OTHERWISE, AUDIT_ARCH_X86_64);
	filtergen_emit(
	    list, program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	filtergen_tree(list, program, edges, 0, count, program->count + count);
	filtergen_emit(list, program, BPF_RET | BPF_K, 0, 0, SCMP_ACT_ALLOW);
	filtergen_emit(list, program, BPF_RET | BPF_K, 0, 0, SCMP_ACT_ERRNO(EPERM));
	filtergen_emit(list, program, BPF_RET | BPF_K, 0, 0, list->otherwise);
}

static bool
filtergen_has(const struct list *list, int pass)
{
	for (size_t i = 0; i < list->count; i++)
		if (filtergen_pass(&list->rules[i]) == pass)
			return true;
	return false;
}

static void
filtergen_print(const char *dir, const char *name)
{
	static struct list list;
	static struct program program;
	char path[4096];

	memset(&list, 0, sizeof(list));
	program.count = 0;
	snprintf(path, sizeof(path), "%s/%s.list", dir, name);
	filtergen_read(&list, path);
	for (int pass = 0; pass < 2; pass++)
		if (filtergen_has(&list, pass))
			filtergen_make(&list, pass, &program);
	filtergen_ranges(&list, &program);
	printf("\nstatic const struct sock_filter filter_%s[] = {\n", name);
	for (size_t i = 0; i < program.count; i++)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", program.code[i].code, program.code[i].jt,
		    program.code[i].jf, program.code[i].k);
	printf("};\n");
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: filtergen DIR\n", stderr);
		return 1;
	}
	puts("/* Made by broker/filter/filtergen.c from the lists beside it; do not edit. */\n"
	     "#include <linux/filter.h>");
	filtergen_print(argv[1], "payload");
	filtergen_print(argv[1], "supervisor");
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
