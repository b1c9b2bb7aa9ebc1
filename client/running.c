/*
 * What runs now, for `boxdo ps` and `boxdo stop`.
 *
 * Runs as whoever typed it. Root reads the tables below /run/boxdo/running; everybody else asks the helper,
 * which hands out the caller's own entries and no more (action=ps). Trusts root's files and the helper's
 * answer, but not the texts in them, which users chose. Errors: one line, 125.
 */
#include "client/running.h"

#include "audit/utf8.h"
#include "broker/process.h"
#include "broker/request.h"
#include "client/boxdo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int
running_fail(const char *format, ...)
{
	va_list arguments;

	fputs("boxdo: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return BOXDO_EXIT_CLIENT;
}

bool
running_lives(uint64_t owner)
{
	struct process process;

	return process_read(running_supervisor(owner), &process) == 0 && process.state != 'Z' &&
	       running_owner(running_supervisor(owner), process.start) == owner;
}

/* Texts end where their arrays do, whatever wrote them. */
static int
add(struct running_list *list, const struct running_entry *entry, const char *table, size_t index)
{
	struct running_one *items = realloc(list->items, (list->count + 1) * sizeof *items);
	struct running_one *one;

	if (!items)
		return running_fail("out of memory");
	list->items = items;
	one = &items[list->count++];
	memcpy(&one->entry, entry, sizeof one->entry);
	one->index = index;
	snprintf(one->table, sizeof one->table, "%s", table);
#define END(field) one->entry.field[sizeof one->entry.field - 1] = '\0'
	END(id);
	END(user);
	END(run_as);
	END(image);
	END(image_path);
	END(image_sha256);
	END(rule);
	END(name);
	END(command);
	END(stop_by);
	END(joins);
#undef END
	return 0;
}

/* An entry counts if one and the same living SUPERVISOR had it before and after it was copied. */
static int
add_table(
    struct running_list *list, const struct running_table *table, size_t count, const char *name)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < count; i++) {
		const struct running_entry *entry = &table->entries[i];
		uint64_t owner = atomic_load(&entry->owner);
		struct running_entry copy;

		if (owner == 0)
			continue;
		memcpy(&copy, entry, sizeof copy);
		if (copy.filled == owner && running_lives(owner) &&
		    atomic_load(&entry->owner) == owner)
			error = add(list, &copy, name, i);
	}
	return error;
}

static int
read_table(struct running_list *list, int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), error = 0;
	struct running_table *table;
	struct stat status;

	if (fd < 0)
		return running_fail(RUNNING_PATH "/%s: %s", name, strerror(errno));
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
	    (size_t)status.st_size < sizeof *table) {
		close(fd);
		return 0; /* a table that is being made */
	}
	table = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (table == MAP_FAILED)
		return running_fail(RUNNING_PATH "/%s: %s", name, strerror(errno));
	if (table->magic == RUNNING_MAGIC)
		error = add_table(list, table,
		    ((size_t)status.st_size - sizeof *table) / sizeof table->entries[0], name);
	munmap(table, (size_t)status.st_size);
	return error;
}

static int
read_all(struct running_list *list)
{
	DIR *directory = opendir(RUNNING_PATH);
	struct dirent *found;
	int error = 0;

	if (!directory)
		return errno == ENOENT
		           ? 0
		           : running_fail(RUNNING_PATH " cannot be read: %s", strerror(errno));
	while (error == 0 && (found = readdir(directory)))
		if (found->d_name[0] >= '0' && found->d_name[0] <= '9')
			error = read_table(list, dirfd(directory), found->d_name);
	closedir(directory);
	return error;
}

static void
ask_helper(int out)
{
	static const char helper[] = BOXDO_LIBEXEC "/boxdo-launch";

	dup2(out, STDOUT_FILENO);
	execl(helper, "boxdo-launch", REQUEST_VERSION, "image=-", "action=ps", "--", (char *)NULL);
	_exit(running_fail("cannot start %s: %s", helper, strerror(errno)));
}

/* The helper says whose they are and that they run; it has looked. */
static int
read_own(struct running_list *list)
{
	struct running_entry entry;
	int ends[2], status, error = 0;
	FILE *answer;
	pid_t child;

	if (pipe(ends) != 0 || !(answer = fdopen(ends[0], "r")))
		return running_fail("no pipe: %s", strerror(errno));
	child = fork();
	if (child == 0) {
		close(ends[0]);
		ask_helper(ends[1]);
	}
	close(ends[1]);
	while (error == 0 && fread(&entry, sizeof entry, 1, answer) == 1)
		error = add(list, &entry, "", 0);
	fclose(answer);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return running_fail("no process: %s", strerror(errno));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? error : BOXDO_EXIT_CLIENT;
}

static int
by_time(const void *left, const void *right)
{
	const struct running_one *a = left, *b = right;

	return (a->entry.since > b->entry.since) - (a->entry.since < b->entry.since);
}

int
running_read(struct running_list *list)
{
	int error;

	*list = (struct running_list){.items = NULL};
	error = geteuid() == 0 ? read_all(list) : read_own(list);
	if (list->count > 1)
		qsort(list->items, list->count, sizeof list->items[0], by_time);
	return error;
}

void
running_free(struct running_list *list)
{
	free(list->items);
}

void
running_show(FILE *out, const char *text, size_t width)
{
	size_t length = strlen(text), taken;
	uint32_t code;

	for (size_t at = 0, shown = 0; at < length; at += taken) {
		taken = utf8_decode((const unsigned char *)text + at, length - at, &code);
		if (width && ++shown > width - 3 && length - at > 3) {
			fputs("...", out);
			return;
		}
		if (taken && utf8_printable(code)) {
			fwrite(text + at, 1, taken, out);
			continue;
		}
		taken = 1;
		fprintf(out, "#%03o", (unsigned char)text[at]);
	}
}
