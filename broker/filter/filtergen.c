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
 *	                                       (32 bits: what the kernel takes of the arguments named here)
 * A condition counts before a rule without one for the same call: so "refuse ioctl if ..." with "allow ioctl" is an
 * exception, "allow socket if ..." with "refuse socket" are the exceptions to it. Those of one call
 * have one effect, and are about the same bits of the same argument.
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

#define RULES_MAX 1024
#define NUMBER_MAX 1023  /* above any call's */
#define PROGRAM_MAX 4096 /* BPF_MAXINSNS */

struct rule {
	int number;
	bool allow, conditional;
	struct condition {
		unsigned argument;
		uint32_t mask, value;
	} condition;
};

/* And its place behind the tree. */
enum verdict { ALLOWED, REFUSED, OTHERWISE };

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
static struct condition
filtergen_condition(const struct list *list, const char *text)
{
	unsigned argument;
	long long mask, value;
	int end = 0;

	/* %lli: decimal, or hexadecimal behind 0x. */
	if (sscanf(text, " %u & %lli == %lli %n", &argument, &mask, &value, &end) != 3 ||
	    text[end] != '\0' || argument > 5 || mask < 0 || mask > UINT32_MAX ||
	    (value & ~mask) != 0)
		filtergen_fail(list, "no condition:", text);
	return (struct condition){argument, (uint32_t)mask, (uint32_t)value};
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
		if (list->rules[i].number == rule->number &&
		    list->rules[i].conditional == rule->conditional &&
		    (!rule->conditional || list->rules[i].allow != rule->allow))
			filtergen_fail(list, "named before:", name);
	if (rule->number >= NUMBER_MAX)
		filtergen_fail(list, "not a number of a system call:", name);
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

static void
filtergen_emit(const struct list *list, struct program *program, unsigned code, size_t jt,
    size_t jf, uint32_t k)
{
	if (program->count == PROGRAM_MAX || jt > UINT8_MAX || jf > UINT8_MAX)
		filtergen_fail(list, "the filter is too long", "");
	program->code[program->count++] =
	    (struct sock_filter){(uint16_t)code, (uint8_t)jt, (uint8_t)jf, k};
}

static void
filtergen_return(const struct list *list, struct program *program, enum verdict verdict)
{
	const uint32_t actions[] = {SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(EPERM), list->otherwise};

	filtergen_emit(list, program, BPF_RET | BPF_K, 0, 0, actions[verdict]);
}

/*
 * A call with conditions: each compared with the lower half of its argument, which is what the kernel takes of it
 * (comparing all 64 bits was the hole of CVE-2019-10063: TIOCSTI | 1 << 32). Behind them what becomes of it when none is
 * met, and when one is.
 */
static void
filtergen_block(
    const struct list *list, struct program *program, const struct rule *first, enum verdict unmet)
{
	const struct condition *about = &first->condition;
	size_t left = 0;

	for (size_t i = 0; i < list->count; i++)
		left += list->rules[i].conditional && list->rules[i].number == first->number;
	filtergen_emit(list, program, BPF_LD | BPF_W | BPF_ABS, 0, 0,
	    (uint32_t)offsetof(struct seccomp_data, args[about->argument]));
	if (about->mask != UINT32_MAX)
		filtergen_emit(list, program, BPF_ALU | BPF_AND | BPF_K, 0, 0, about->mask);
	for (size_t i = 0; i < list->count; i++) {
		const struct rule *rule = &list->rules[i];

		if (!rule->conditional || rule->number != first->number)
			continue;
		if (rule->condition.argument != about->argument ||
		    rule->condition.mask != about->mask)
			filtergen_fail(list, "conditions of one call about several things", "");
		filtergen_emit(
		    list, program, BPF_JMP | BPF_JEQ | BPF_K, left--, 0, rule->condition.value);
	}
	filtergen_return(list, program, unmet);
	filtergen_return(list, program, first->allow ? ALLOWED : REFUSED);
}

/* From this number on, up to the next edge's: where it goes, counted from the end of the tree. */
struct edge {
	uint32_t number;
	size_t leaf;
};

/* A search tree over edges[from..to), each node one instruction. tree_end: of the whole tree. first: the leaf below all edges. */
static void
filtergen_tree(const struct list *list, struct program *program, const struct edge *edges,
    size_t from, size_t to, size_t tree_end, size_t first)
{
	size_t middle = from + (to - from) / 2, here = program->count;
	size_t below = tree_end + (middle ? edges[middle - 1].leaf : first) - here - 1,
	       above = tree_end + edges[to - 1].leaf - here - 1;

	filtergen_emit(list, program, BPF_JMP | BPF_JGE | BPF_K, above, from < middle ? 0 : below,
	    edges[middle].number);
	if (from < middle)
		filtergen_tree(list, program, edges, from, middle, tree_end, first);
	if (middle + 1 < to) {
		/* Cut to eight bits it would lead somewhere else. */
		if (program->count - here - 1 > UINT8_MAX)
			filtergen_fail(list, "the filter is too long", "");
		program->code[here].jt = (uint8_t)(program->count - here - 1);
		filtergen_tree(list, program, edges, middle + 1, to, tree_end, first);
	}
}

/* What stands behind the tree, and where there each number leads: to a verdict, or to its conditions. */
static void
filtergen_leaves(
    const struct list *list, struct program *leaves, size_t leaf[static NUMBER_MAX + 1])
{
	enum verdict verdicts[NUMBER_MAX + 1];

	for (int i = 0; i <= NUMBER_MAX; i++)
		verdicts[i] = OTHERWISE;
	for (size_t i = 0; i < list->count; i++)
		if (!list->rules[i].conditional)
			verdicts[list->rules[i].number] = list->rules[i].allow ? ALLOWED : REFUSED;
	for (int i = 0; i <= NUMBER_MAX; i++)
		leaf[i] = verdicts[i];
	for (enum verdict verdict = ALLOWED; verdict <= OTHERWISE; verdict++)
		filtergen_return(list, leaves, verdict);
	for (size_t i = 0; i < list->count; i++) {
		int number = list->rules[i].number;

		if (!list->rules[i].conditional || leaf[number] > OTHERWISE)
			continue;
		leaf[number] = leaves->count;
		filtergen_block(list, leaves, &list->rules[i], verdicts[number]);
	}
}

/*
 * The kernel translates every instruction at each launch, and walks the program once for each system call there is. So it
 * is a search tree over ranges of numbers, which takes a fifth of what libseccomp makes: that compares each number.
 * Foreign ABIs are "otherwise": another architecture by the first comparison, x32 by its numbers, which are above all of
 * these.
 */
static void
filtergen_program(const struct list *list, struct program *program)
{
	static struct program leaves;
	static struct edge edges[NUMBER_MAX + 1];
	size_t leaf[NUMBER_MAX + 1], count = 0;

	leaves.count = 0;
	filtergen_leaves(list, &leaves, leaf);
	for (int i = 0; i <= NUMBER_MAX; i++)
		if (leaf[i] != (i > 0 ? leaf[i - 1] : OTHERWISE))
			edges[count++] = (struct edge){(uint32_t)i, leaf[i]};
	filtergen_emit(
	    list, program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	filtergen_emit(
	    list, program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1 + count + OTHERWISE, AUDIT_ARCH_X86_64);
	filtergen_emit(
	    list, program, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	filtergen_tree(list, program, edges, 0, count, program->count + count, OTHERWISE);
	for (size_t i = 0; i < leaves.count; i++)
		filtergen_emit(list, program, leaves.code[i].code, leaves.code[i].jt,
		    leaves.code[i].jf, leaves.code[i].k);
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
	filtergen_program(&list, &program);
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
