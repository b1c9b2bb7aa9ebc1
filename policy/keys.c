/*
 * The keys of the policy and their types.
 *
 * Stage: 4 policy. Privilege: needs none.
 * Trusts: nothing; a word that is not exactly of its key's type is an error. What could be taken
 * for something else (a pattern where a name is meant, a ',' between words) is one too: in a deny a
 * word that matches nothing fails open.
 * On error: -1 with file, line and column of the word.
 */
#include "policy/keys.h"

#include "policy/reference.h"

#include <ctype.h>
#include <string.h>

#define KEYS_RULE (SECTION_DENY | SECTION_ALLOW | SECTION_GRANT)

static int
keys_wrong(struct section *s, const struct word *word, const char *problem)
{
	return place_error(&s->place, word->column, "'%s': %s", word->text, problem);
}

static int
keys_memory(struct section *s)
{
	return place_error(&s->place, 0, "out of memory");
}

static int
keys_add(struct section *s, struct arena_list *list, const char *text)
{
	/* No rule of others' is asked for these; the rest section.c may look at as a whole. */
	if (s->others && (list == &s->rule.images || list == &s->rule.hosts))
		return 0;
	return arena_list_add(&s->policy->arena, list, text) == 0 ? 0 : keys_memory(s);
}

/* Patterns of plain text, each seen by check (which may be NULL). */
static int
keys_patterns(struct section *s, struct arena_list *list, const struct word *words, size_t count,
    const char *(*check)(const char *pattern))
{
	const char *problem;
	int result = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		problem = match_problem(words[i].text);
		if (problem == NULL && words[i].text[0] == '\0')
			problem = "empty";
		if (problem == NULL && check != NULL)
			problem = check(words[i].text);
		if (problem != NULL)
			result = keys_wrong(s, &words[i], problem);
		else if (keys_add(s, list, words[i].text) != 0)
			return -1;
	}
	return result;
}

/* A path pattern must be able to match what the kernel calls a path. */
static const char *
keys_path_problem(const char *path)
{
	char plain[4096];
	size_t length = strlen(path);

	if (path[0] != '/')
		return "must be an absolute path";
	if (length >= sizeof(plain))
		return "too long";
	memcpy(plain, path, length + 1);
	if (length > 1 && plain[length - 1] == '/')
		plain[length - 1] = '\0';
	if (!match_is_plain(plain))
		return "must have no '..', no '.' and no '//' in it";
	return length > 1 && strchr(",;", path[length - 1]) != NULL
	           ? "words are separated by blanks"
	           : NULL;
}

static int
keys_yes_no(struct section *s, const struct word *word, bool *yes)
{
	*yes = strcmp(word->text, "yes") == 0;
	return *yes || strcmp(word->text, "no") == 0 ? 0 : keys_wrong(s, word, "yes or no");
}

/* Digits and one of the letters of units, each worth its factor. 0 or -1. */
static int
keys_number(const char *text, const char *units, const uint64_t *factors, uint64_t *number)
{
	uint64_t value = 0;
	const char *at, *unit;

	for (at = text; isdigit((unsigned char)*at); at++) {
		value = 10 * value + (uint64_t)(*at - '0');
		if (value > UINT32_MAX)
			return -1;
	}
	if (at == text)
		return -1;
	if (*at != '\0') {
		unit = strchr(units, *at);
		if (unit == NULL || at[1] != '\0')
			return -1;
		value *= factors[unit - units];
	}
	*number = value;
	return 0;
}

static int
keys_duration(struct section *s, const struct word *word, uint64_t *seconds)
{
	static const uint64_t factors[] = {1, 60, 3600, 86400, 604800};

	/* A bare number is refused but for 0: nobody should have to guess its unit. */
	if (keys_number(word->text, "smhdw", factors, seconds) != 0 || *seconds > UINT32_MAX / 2 ||
	    (*seconds != 0 && isdigit((unsigned char)word->text[strlen(word->text) - 1])))
		return keys_wrong(s, word, "not a duration (90s, 15m, 24h, 7d)");
	return 0;
}

static int
keys_size(struct section *s, const struct word *word, uint64_t *bytes)
{
	static const uint64_t factors[] = {1ULL << 10, 1ULL << 20, 1ULL << 30};

	if (keys_number(word->text, "KMG", factors, bytes) != 0 || *bytes == 0)
		return keys_wrong(s, word, "not a size (16K, 64M)");
	return 0;
}

/* --- [settings] ----------------------------------------------------------------------------- */

static int
keys_audit(struct section *s, const struct word *words, size_t count)
{
	static const char *const modes[] = {"confirmed", "synced", "unconfirmed"};
	size_t i;

	(void)count;
	for (i = 0; i < 3; i++)
		if (strcmp(words[0].text, modes[i]) == 0) {
			s->policy->settings.audit = (enum policy_audit)i;
			return 0;
		}
	return keys_wrong(s, words, "confirmed, synced or unconfirmed");
}

static int
keys_ticket(struct section *s, const struct word *words, size_t count)
{
	uint64_t seconds = 0;

	(void)count;
	if (keys_duration(s, words, &seconds) != 0)
		return -1;
	s->policy->settings.ticket = (unsigned)seconds;
	return 0;
}

static int
keys_image_owners(struct section *s, const struct word *words, size_t count)
{
	const char *problem;
	int result = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		problem = users_name_problem(words[i].text);
		if (problem != NULL)
			result = keys_wrong(s, &words[i], problem);
		else if (strcmp(words[i].text, "root") != 0 &&
		         keys_add(s, &s->policy->image_owners, words[i].text) != 0)
			return -1;
	}
	return result;
}

static int
keys_redact(struct section *s, const struct word *words, size_t count)
{
	return keys_patterns(s, &s->policy->redact, words, count, NULL);
}

static int
keys_cgroup(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	s->policy->settings.cgroup_caller = strcmp(words[0].text, "caller") == 0;
	return s->policy->settings.cgroup_caller || strcmp(words[0].text, "root") == 0
	           ? 0
	           : keys_wrong(s, words, "caller or root");
}

static int
keys_volatile(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	return keys_yes_no(s, words, &s->policy->settings.volatile_journal);
}

static int
keys_log_mine(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	return keys_yes_no(s, words, &s->policy->settings.log_mine);
}

static int
keys_mirror(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	s->policy->settings.mirror = strcmp(words[0].text, "main") == 0;
	return s->policy->settings.mirror || strcmp(words[0].text, "no") == 0
	           ? 0
	           : keys_wrong(s, words, "main or no");
}

static int
keys_record_rate(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	return keys_size(s, words, &s->policy->settings.record_rate);
}

static int
keys_record_burst(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	return keys_size(s, words, &s->policy->settings.record_burst);
}

/* --- [image] -------------------------------------------------------------------------------- */

static int
keys_path(struct section *s, const struct word *words, size_t count)
{
	const char *path = words[0].text;

	(void)count;
	if (path[0] != '/' || path[1] == '\0' || !match_is_plain(path))
		return keys_wrong(s, words, "must be an absolute path without '..', '.' or '//'");
	s->image.path = path;
	return 0;
}

/* 64 hex digits, made lower case; else false. */
static bool
keys_is_sha256(char *hex)
{
	size_t i;

	for (i = 0; isxdigit((unsigned char)hex[i]); i++)
		hex[i] = (char)tolower((unsigned char)hex[i]);
	return i == 64 && hex[i] == '\0';
}

static int
keys_sha256(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	if (!keys_is_sha256(words[0].text))
		return keys_wrong(s, words, "not a SHA-256 (64 hex digits)");
	s->image.sha256 = words[0].text;
	return 0;
}

/* Kept mounted between launches: by `boxdo image warm`, never by a launch. */
static int
keys_warm(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	return keys_yes_no(s, words, &s->image.warm);
}

/* Written out, so that the admin may write what people type. */
static int
keys_ref(struct section *s, const struct word *words, size_t count)
{
	char reference[REFERENCE_MAX];
	const char *copy;
	size_t i;

	for (i = 0; i < count; i++) {
		if (match_problem(words[i].text) != NULL ||
		    !reference_write_out(words[i].text, reference))
			return keys_wrong(s, &words[i],
			    "not a reference (docker.io/pytorch/pytorch:2.4, with patterns)");
		copy = arena_copy(&s->policy->arena, reference, strlen(reference));
		if (copy == NULL)
			return keys_memory(s);
		if (keys_add(s, &s->refs, copy) != 0)
			return -1;
	}
	return 0;
}

/* --- rules ---------------------------------------------------------------------------------- */

static int
keys_users(struct section *s, const struct word *words, size_t count)
{
	const char *problem;
	int result = 0;
	size_t i;

	s->rule.has_users = true;
	for (i = 0; i < count; i++) {
		problem = users_read(&s->rule.users, &s->policy->arena, &words[i]);
		if (problem != NULL)
			result = keys_wrong(s, &words[i], problem);
	}
	return result;
}

static const char *
keys_host_problem(const char *host)
{
	char before = '\0';

	for (; *host != '\0'; before = *host++) {
		if (*host == '!' && before != '[')
			return "'!' is for users only; write a deny";
		if (!isalnum((unsigned char)*host) && strchr("._-*?[]!", *host) == NULL)
			return "not a host name or pattern";
	}
	return NULL;
}

static int
keys_hosts(struct section *s, const struct word *words, size_t count)
{
	return keys_patterns(s, &s->rule.hosts, words, count, keys_host_problem);
}

static const char *
keys_image_problem(const char *image)
{
	char before = '\0';

	if (strcmp(image, "*") == 0)
		return NULL;
	if (image[0] == '/')
		return keys_path_problem(image);
	for (; *image != '\0'; before = *image++)
		if (!isalnum((unsigned char)*image) && strchr("._+:@/-*?[]", *image) == NULL &&
		    (*image != '!' || before != '['))
			return "not an image name, a path, sha256:HEX or *";
	return NULL;
}

static int
keys_images(struct section *s, const struct word *words, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strncmp(words[i].text, "sha256:", 7) == 0 && !keys_is_sha256(words[i].text + 7))
			return keys_wrong(s, &words[i], "not a SHA-256 (64 hex digits)");
	return keys_patterns(s, &s->rule.images, words, count, keys_image_problem);
}

static const char *
keys_bind_source_problem(const struct section *s, const struct rule_bind *bind)
{
	if (strcmp(bind->source, "~") == 0 || strcmp(bind->source, ".") == 0)
		return bind->always
		           ? "always takes absolute paths (~ and . are mounted when granted)"
		           : NULL;
	if (bind->source[0] != '/')
		return "an absolute path, ~ or .";
	if (strpbrk(bind->source, "*?[") != NULL)
		return "binds are no patterns: name the directory, all below it is meant";
	if (s->kind == SECTION_DENY && (bind->destination != NULL || bind->writable))
		return "a deny takes paths alone: it means them however they are mounted";
	return keys_path_problem(bind->source);
}

/* SRC[:DST][:rw], taken apart in place. NULL or the problem. */
static const char *
keys_bind_split(const struct section *s, char *text, struct rule_bind *bind)
{
	char *colon = strchr(text, ':'), *rest;
	size_t length;

	bind->source = text;
	while (colon != NULL) {
		*colon = '\0';
		rest = colon + 1;
		colon = strchr(rest, ':');
		if (colon != NULL)
			*colon = '\0';
		if (strcmp(rest, "rw") == 0 && colon == NULL)
			bind->writable = true;
		else if (bind->destination == NULL && match_is_plain(rest) && rest[1] != '\0')
			bind->destination = rest;
		else
			return "SRC[:DST][:rw], with DST an absolute path and no colon in either";
	}
	length = strlen(text);
	if (length > 1 && text[length - 1] == '/')
		text[length - 1] = '\0';
	return keys_bind_source_problem(s, bind);
}

static int
keys_binds_add(struct section *s, const struct word *words, size_t count, bool always)
{
	struct rule *rule = &s->rule;
	struct rule_bind bind, *binds;
	const char *problem;
	int result = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		bind = (struct rule_bind){.always = always};
		problem = keys_bind_split(s, words[i].text, &bind);
		if (problem != NULL) {
			result = keys_wrong(s, &words[i], problem);
			continue;
		}
		binds = arena_grow(&s->policy->arena, rule->binds, rule->bind_count,
		    &rule->bind_room, sizeof(bind));
		if (binds == NULL)
			return keys_memory(s);
		rule->binds = binds;
		binds[rule->bind_count++] = bind;
	}
	return result;
}

static int
keys_binds(struct section *s, const struct word *words, size_t count)
{
	s->rule.has_binds = true;
	return keys_binds_add(s, words, count, false);
}

static int
keys_always(struct section *s, const struct word *words, size_t count)
{
	return keys_binds_add(s, words, count, true);
}

/* vendor.com/class=name */
static bool
keys_is_cdi(const char *device)
{
	const char *slash = strchr(device, '/'), *equals = strchr(device, '=');

	return isalpha((unsigned char)device[0]) && slash != NULL && equals != NULL &&
	       slash + 1 < equals && equals[1] != '\0' && strchr(equals, '/') == NULL &&
	       strchr(slash + 1, '/') == NULL;
}

static const char *
keys_device_problem(const char *device)
{
	if (strcmp(device, "*") == 0 || keys_is_cdi(device))
		return NULL;
	if (device[0] != '/')
		return "a path below /dev, vendor.com/class=name, or *";
	return match_below("/dev", device) != NULL ? keys_path_problem(device)
	                                           : "must be below /dev";
}

static int
keys_devices(struct section *s, const struct word *words, size_t count)
{
	size_t i;

	s->rule.has_devices = true;
	for (i = 0; s->kind == SECTION_DENY && i < count; i++)
		s->rule.denies_cdi |= keys_is_cdi(words[i].text);
	return keys_patterns(s, &s->rule.devices, words, count, keys_device_problem);
}

static int
keys_network(struct section *s, const struct word *words, size_t count)
{
	size_t i;

	s->rule.has_network = true;
	for (i = 0; i < count; i++) {
		if (strcmp(words[i].text, "host") == 0)
			s->rule.network_host = true;
		else if (strcmp(words[i].text, "none") == 0)
			s->rule.network_none = true;
		else
			return keys_wrong(s, &words[i], "host or none");
		if (s->rule.network == NULL)
			s->rule.network = words[i].text;
	}
	return 0;
}

static int
keys_password(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	return keys_yes_no(s, words, &s->rule.password);
}

static int
keys_hours(struct section *s, const struct word *words, size_t count)
{
	size_t bad = 0;
	const char *problem = hours_read(&s->rule.hours, &s->policy->arena, words, count, &bad);

	return problem == NULL ? 0 : keys_wrong(s, &words[bad], problem);
}

static int
keys_not_before(struct section *s, const struct word *words, size_t count)
{
	const char *problem = hours_read_moment(&s->rule.not_before, words, count, false);

	return problem == NULL ? 0 : keys_wrong(s, words, problem);
}

static int
keys_not_after(struct section *s, const struct word *words, size_t count)
{
	const char *problem = hours_read_moment(&s->rule.not_after, words, count, true);

	return problem == NULL ? 0 : keys_wrong(s, words, problem);
}

static int
keys_timezone(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	if (!hours_zone_exists(words[0].text))
		return keys_wrong(s, words, "no such time zone in /usr/share/zoneinfo");
	s->rule.timezone = words[0].text;
	return 0;
}

static int
keys_max_runtime(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	if (keys_duration(s, words, &s->rule.max_runtime) != 0)
		return -1;
	/* 0 would read as "no limit", and as "not at all". */
	return s->rule.max_runtime != 0 ? 0 : keys_wrong(s, words, "must be more than 0");
}

/* 1 to most, without a unit. 0 or -1 with the error. */
static int
keys_count(struct section *s, const struct word *word, unsigned most, unsigned *count)
{
	uint64_t number = 0;

	if (keys_number(word->text, "", NULL, &number) != 0 || number == 0 || number > most)
		return place_error(
		    &s->place, word->column, "'%s': a number from 1 to %u", word->text, most);
	*count = (unsigned)number;
	return 0;
}

static int
keys_max_running(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	return keys_count(s, words, POLICY_RUNNING_MAX, &s->rule.max_running);
}

/* 60/min 500/day: each unit once. */
static int
keys_max_launches(struct section *s, const struct word *words, size_t count)
{
	static const char *const units[POLICY_UNITS] = {"min", "hour", "day"};
	unsigned *limit;
	char *slash;
	size_t i, unit;

	for (i = 0; i < count; i++) {
		slash = strchr(words[i].text, '/');
		for (unit = 0; slash != NULL && unit < POLICY_UNITS; unit++)
			if (strcmp(slash + 1, units[unit]) == 0)
				break;
		if (slash == NULL || unit == POLICY_UNITS)
			return keys_wrong(s, &words[i], "N/min, N/hour or N/day");
		limit = &s->rule.max_launches[unit];
		if (*limit != 0)
			return keys_wrong(s, &words[i], "this unit has a limit already");
		*slash = '\0';
		if (keys_count(s, &words[i], POLICY_LAUNCHES_MAX, limit) != 0)
			return -1;
	}
	return 0;
}

static int
keys_run_as(struct section *s, const struct word *words, size_t count)
{
	const char *problem = users_name_problem(words[0].text);

	(void)count;
	if (problem == NULL && s->kind == SECTION_ALLOW && strcmp(words[0].text, "root") == 0)
		problem = "nobody is root in a container, so no rule can permit it";
	if (problem != NULL)
		return keys_wrong(s, words, problem);
	s->rule.run_as = words[0].text;
	return 0;
}

static int
keys_command(struct section *s, const struct word *words, size_t count)
{
	struct rule *rule = &s->rule;
	struct match_vector *all, vector = {NULL, false};
	struct arena_list list = {NULL, 0, 0};

	rule->has_command = true;
	/* Quoted, it is an argument like any other. */
	if (strcmp(words[count - 1].text, "...") == 0 && !words[count - 1].quoted) {
		vector.more = true;
		count--;
	}
	if (count == 0)
		return keys_wrong(s, words, "a command begins with a program");
	if (keys_patterns(s, &list, words, count, NULL) != 0)
		return -1;
	vector.words = list.items;
	all = arena_grow(&s->policy->arena, rule->commands, rule->command_count,
	    &rule->command_room, sizeof(vector));
	if (all == NULL)
		return keys_memory(s);
	rule->commands = all;
	all[rule->command_count++] = vector;
	return 0;
}

static const char *
keys_env_problem(const char *name)
{
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && strchr("_*?[]", *name) == NULL)
			return "names of variables (patterns), not their values";
	return NULL;
}

static int
keys_env(struct section *s, const struct word *words, size_t count)
{
	s->rule.has_env = true;
	return keys_patterns(s, &s->rule.env, words, count, keys_env_problem);
}

static int
keys_share(struct section *s, const struct word *words, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(words[i].text, "ipc") != 0)
			return keys_wrong(s, &words[i], "ipc is all that can be shared");
	s->rule.share_ipc = true;
	return 0;
}

static int
keys_scratch(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	return keys_size(s, words, &s->rule.scratch);
}

/* no: nothing is added to what this allow says itself. */
static int
keys_grants(struct section *s, const struct word *words, size_t count)
{
	bool yes = true;

	(void)count;
	if (keys_yes_no(s, words, &yes) != 0)
		return -1;
	s->rule.no_grants = !yes;
	return 0;
}

/* Read and matched; what a rule that sets them allows is refused until they are enforced. */
static int
keys_memory_limit(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	s->rule.limit = "memory";
	return keys_size(s, words, &s->rule.memory);
}

/* Digits, and up to three behind a point. */
static int
keys_cpus(struct section *s, const struct word *words, size_t count)
{
	const char *text = words[0].text;
	size_t whole = strspn(text, "0123456789"), part = 0;
	unsigned value = 0;

	(void)count;
	if (text[whole] == '.')
		part = strspn(text + whole + 1, "0123456789");
	if (whole == 0 || whole > 5 || part > 3 || (text[whole] == '.' && part == 0) ||
	    text[whole + (text[whole] == '.') + part] != '\0')
		return keys_wrong(s, words, "not a number of processors (4, 0.5)");
	for (size_t i = 0; i < whole; i++)
		value = 10 * value + (unsigned)(text[i] - '0');
	for (size_t i = 0; i < 3; i++)
		value = 10 * value + (i < part ? (unsigned)(text[whole + 1 + i] - '0') : 0);
	s->rule.limit = "cpus";
	s->rule.cpus = value;
	return value != 0 ? 0 : keys_wrong(s, words, "must be more than 0");
}

static int
keys_pids(struct section *s, const struct word *words, size_t count)
{
	uint64_t pids = 0;

	(void)count;
	if (keys_number(words[0].text, "", NULL, &pids) != 0 || pids == 0 || pids > UINT32_MAX)
		return keys_wrong(s, words, "not a number of processes");
	s->rule.limit = "pids";
	s->rule.pids = (unsigned)pids;
	return 0;
}

/* Searched from the top: what most rules have stands there. */
static int
keys_user_images(struct section *s, const struct word *words, size_t count)
{
	(void)count;
	return keys_yes_no(s, words, &s->rule.user_images);
}

static const struct keys_key keys[] = {
    {"users", KEYS_RULE, KEYS_LIST, keys_users},
    {"user_images", SECTION_ALLOW, KEYS_ONE, keys_user_images},
    {"hosts", KEYS_RULE, KEYS_LIST, keys_hosts},
    {"images", KEYS_RULE, KEYS_LIST, keys_images},
    {"binds", KEYS_RULE, KEYS_LIST, keys_binds},
    {"always", SECTION_ALLOW | SECTION_GRANT, KEYS_LIST, keys_always},
    {"devices", KEYS_RULE, KEYS_LIST, keys_devices},
    {"network", SECTION_DENY | SECTION_ALLOW, KEYS_LIST, keys_network},
    {"password", SECTION_ALLOW, KEYS_ONE, keys_password},
    {"hours", SECTION_DENY | SECTION_ALLOW, KEYS_LIST, keys_hours},
    {"not_before", SECTION_DENY | SECTION_ALLOW, KEYS_DATE, keys_not_before},
    {"not_after", SECTION_DENY | SECTION_ALLOW, KEYS_DATE, keys_not_after},
    {"timezone", SECTION_DENY | SECTION_ALLOW, KEYS_ONE, keys_timezone},
    {"max_runtime", SECTION_ALLOW, KEYS_ONE, keys_max_runtime},
    {"max_running", SECTION_ALLOW, KEYS_ONE, keys_max_running},
    {"max_launches", SECTION_ALLOW, KEYS_LIST, keys_max_launches},
    {"run_as", SECTION_DENY | SECTION_ALLOW, KEYS_ONE, keys_run_as},
    {"command", SECTION_DENY | SECTION_ALLOW, KEYS_MANY, keys_command},
    {"env", SECTION_ALLOW | SECTION_GRANT, KEYS_LIST, keys_env},
    {"grants", SECTION_ALLOW, KEYS_ONE, keys_grants},
    {"memory", SECTION_ALLOW, KEYS_ONE, keys_memory_limit},
    {"cpus", SECTION_ALLOW, KEYS_ONE, keys_cpus},
    {"pids", SECTION_ALLOW, KEYS_ONE, keys_pids},
    {"share", SECTION_ALLOW | SECTION_GRANT, KEYS_LIST, keys_share},
    {"scratch", SECTION_ALLOW | SECTION_GRANT, KEYS_ONE, keys_scratch},
    {"audit", SECTION_SETTINGS, KEYS_ONE, keys_audit},
    {"ticket", SECTION_SETTINGS, KEYS_ONE, keys_ticket},
    {"image_owners", SECTION_SETTINGS, KEYS_LIST, keys_image_owners},
    {"redact", SECTION_SETTINGS, KEYS_LIST, keys_redact},
    {"cgroup", SECTION_SETTINGS, KEYS_ONE, keys_cgroup},
    {"volatile", SECTION_SETTINGS, KEYS_ONE, keys_volatile},
    {"log_mine", SECTION_SETTINGS, KEYS_ONE, keys_log_mine},
    {"mirror", SECTION_SETTINGS, KEYS_ONE, keys_mirror},
    {"record_rate", SECTION_SETTINGS, KEYS_ONE, keys_record_rate},
    {"record_burst", SECTION_SETTINGS, KEYS_ONE, keys_record_burst},
    {"path", SECTION_IMAGE, KEYS_ONE, keys_path},
    {"sha256", SECTION_IMAGE, KEYS_ONE, keys_sha256},
    {"ref", SECTION_IMAGE, KEYS_LIST, keys_ref},
    {"warm", SECTION_IMAGE, KEYS_ONE, keys_warm},
};

int
keys_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].name[0] == name[0] && strcmp(keys[i].name, name) == 0)
			return (int)i;
	return -1;
}

const struct keys_key *
keys_at(int index)
{
	return &keys[index];
}
