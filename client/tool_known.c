/*
 * What root remembers of an image (its entrypoint, its sha256), by which a launch decides, too.
 *
 * Root alone can look it up, by the helper's own code, and does so before it becomes the account that is asked about.
 * Where nobody did, and a rule would decide by it, a note says so: nothing is made up.
 * Trusts: what the helper trusts. Errors: nothing is known then, as for a launch.
 */
#include "client/tool.h"

#include "policy/images.h"
#include "policy/rule.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct policy_image *
tool_known_entry(const struct policy *view, const char *path, const struct stat *st)
{
	size_t count;
	const struct policy_image *images = policy_images(view, &count);
	struct stat entry;

	for (size_t i = 0; i < count; i++) {
		if (st != NULL && stat(images[i].path, &entry) == 0 && entry.st_dev == st->st_dev &&
		    entry.st_ino == st->st_ino)
			return &images[i];
		if (strcmp(images[i].path, path) == 0)
			return &images[i];
	}
	return NULL;
}

/* As broker/question.c finds it. */
static bool
tool_known_find(struct image *image, const struct policy *view, const char *asked)
{
	const struct policy_image *entry = NULL;
	char error[POLICY_TEXT_MAX], link[64], path[PATH_MAX] = "";
	struct stat st;
	bool found;
	int fd;

	if (asked[0] != '/') {
		entry = policy_image_named(view, asked);
		found = entry != NULL && image_find(image, entry->path, error, sizeof(error)) == 0;
	} else {
		fd = open(asked, O_PATH | O_CLOEXEC);
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		found = fd >= 0 && readlink(link, path, sizeof(path) - 1) > 0 &&
		        image_adopt(image, fd, path, error, sizeof(error)) == 0;
		if (!found && fd >= 0)
			close(fd);
		if (found && !image->served && fstat(fd, &st) == 0)
			entry = tool_known_entry(view, path, &st);
	}
	if (found)
		image_remember(image, entry != NULL);
	return found;
}

void
tool_known(struct tool_known *known, const struct policy *view, const struct tool_who *who,
    char *const *vector)
{
	for (; *vector != NULL && strcmp(*vector, "--") != 0; vector++)
		if (strncmp(*vector, "image=", 6) == 0 && geteuid() == 0 && who->here)
			known->looked = tool_known_find(&known->image, view, *vector + 6);
	/* No descriptor of root's stays in what becomes another account's process. */
	if (known->looked)
		close(known->image.fd);
}

void
tool_known_free(struct tool_known *known)
{
	if (known->looked) {
		known_free(&known->image.known);
		free(known->image.path);
	}
	known->looked = false;
}

static bool
tool_known_is_named(const struct rule *rule)
{
	for (size_t i = 0; i < rule->images.count; i++)
		if (strncmp(rule->images.items[i], "sha256:", 7) == 0)
			return true;
	return false;
}

const char *
tool_known_missed(const struct tool_ask *ask, const struct policy *view)
{
	bool commands = false, digests = false;

	for (int kind = 0; kind < RULE_KINDS; kind++)
		for (const struct rule *rule = view->rules[kind]; rule != NULL; rule = rule->next) {
			commands |= rule->has_command && ask->request->entrypoint == NULL &&
			            images_match(view, rule, &ask->question);
			digests |= tool_known_is_named(rule);
		}
	if (commands && digests)
		return "an entrypoint of the image's own, and its sha256, by which rules decide, "
		       "root "
		       "alone can look up on the host: boxdo explain --user";
	if (commands)
		return "an entrypoint of the image's own, which would stand before the command, "
		       "root "
		       "alone can look up on the host: boxdo explain --user";
	return digests ? "the image's sha256, which a rule names, root alone can look up on the "
	                 "host: boxdo explain --user"
	               : NULL;
}
