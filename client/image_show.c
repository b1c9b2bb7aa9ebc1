/*
 * image_show.c: `boxdo image list` and `show`: what is known of images, as far as it can be told without reading them
 *
 * Runs as root. Distrusts: words out of an image: none of them is a terminal's to obey. Errors: said, 1.
 */
#include "client/image.h"
#include "client/progress.h"
#include "client/warm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "ok", or what is wrong with it at a launch, as far as can be told without reading it. */
static const char *
state_of(const struct policy_image *image, const struct image_facts *facts, struct known *known)
{
	int got = strcmp(facts->kind, "directory") == 0
	              ? 0
	              : known_read(known, &facts->st, facts->verity);
	struct warm warm;

	if (facts->st.st_uid != 0 || (facts->st.st_mode & 022))
		return "others may change it";
	if (got == -1)
		return "changed since its digest was taken: boxdo image verify";
	if (image->sha256 && got == 0)
		return "pinned, but never digested: boxdo image verify";
	if (image->sha256 && strcmp(known_first(known, KNOWN_SHA256), image->sha256) != 0)
		return "not what is pinned";
	warm_look(image->name, &facts->st, &warm);
	if (warm.state == WARM_OLD)
		return "ok, but kept warm is an older file: boxdo image warm --all";
	return warm.state == WARM_YES ? "ok, warm" : "ok";
}

int
image_list(int argc, char **argv, struct image_catalogue *catalogue)
{
	size_t count = 0;
	const struct policy_image *images;
	int status = 0;

	(void)argv;
	if (argc != 1)
		return IMAGE_USAGE;
	if (image_catalogue(catalogue) != 0)
		return 1;
	images = policy_images(catalogue->policy, &count);
	if (count)
		printf("%-24s %-9s %8s %-12s %-6s %s\n", "NAME", "KIND", "SIZE", "SHA256", "VERITY",
		    "STATE");
	for (size_t i = 0; i < count; i++) {
		struct image_facts facts;
		struct known known = {0};
		char size[16];
		int fd = image_open(&images[i], &facts);
		const char *state, *sha256;

		if (fd < 0) {
			status = 1;
			continue;
		}
		state = state_of(&images[i], &facts, &known);
		sha256 = known.data ? known_first(&known, KNOWN_SHA256) : "-";
		printf("%-24s %-9s %8s %-12.12s %-6s %s\n", images[i].name, facts.kind,
		    facts.type ? progress_size((uint64_t)facts.st.st_size, size) : "-", sha256,
		    facts.verity[0] ? "yes" : "no", state);
		known_free(&known);
		close(fd);
	}
	return status;
}

static void
show_words(const char *what, const struct known *known, enum known_key key)
{
	for (size_t i = 0; i < known->counts[key]; i++) {
		printf("%-11s", what);
		image_put_word(known->words[key][i]);
		putchar('\n');
	}
}

/* Kept by `image warm`, or there because of containers, or not there. */
static void
show_warm(const struct policy_image *image, const struct image_facts *facts)
{
	struct warm warm;
	char since[32] = "";

	warm_look(image->name, &facts->st, &warm);
	strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S", localtime(&warm.since));
	printf("warm       ");
	if (!facts->type)
		printf("a directory always is\n");
	else if (warm.state == WARM_YES)
		printf("yes: kept mounted since %s by /dev/loop%u; its pages in memory are cache, "
		       "and not counted here\n",
		    since, warm.loop);
	else if (warm.state == WARM_OLD)
		printf("no: what is kept since %s is the file before it was replaced or changed: "
		       "boxdo image warm %s\n",
		    since, image->name);
	else
		printf("%s%s\n", image_in_use(&facts->st) ? "yes: mounted for a container" : "no",
		    image->warm ? "; warm = yes, but it is not kept: boxdo image warm --all" : "");
}

int
image_show(int argc, char **argv, struct image_catalogue *catalogue)
{
	const struct policy_image *image;
	struct image_facts facts;
	struct known known = {0};
	const char *state;
	char size[16];
	int fd;

	if (argc != 2)
		return IMAGE_USAGE;
	image = image_catalogue(catalogue) == 0 ? image_entry(catalogue, argv[1]) : NULL;
	fd = image ? image_open(image, &facts) : -1;
	if (fd < 0)
		return 1;
	state = state_of(image, &facts, &known);
	printf("name       %s\nentry      %s:%u\npath       %s\nkind       %s\n", image->name,
	    image->file, image->line, image->path, facts.kind);
	if (facts.type)
		printf("size       %lld bytes, %s\n", (long long)facts.st.st_size,
		    progress_size((uint64_t)facts.st.st_size, size));
	printf("owner      uid %u, mode %04o\n", facts.st.st_uid, facts.st.st_mode & 07777);
	printf("pinned     %s\n", image->sha256 ? image->sha256 : "no");
	printf("sha256     %s\n", known.data ? known_first(&known, KNOWN_SHA256) : "unknown");
	printf("fs-verity  %s\n", facts.verity[0] ? facts.verity : "no");
	printf("state      %s\n", state);
	show_warm(image, &facts);
	show_words("entrypoint", &known, KNOWN_ENTRYPOINT);
	show_words("cmd", &known, KNOWN_CMD);
	show_words("env", &known, KNOWN_ENV);
	show_words("workdir", &known, KNOWN_WORKDIR);
	show_words("user", &known, KNOWN_USER);
	show_words("source", &known, KNOWN_SOURCE);
	show_words("start", &known, KNOWN_START);
	show_words("label", &known, KNOWN_LABEL);
	known_free(&known);
	return 0;
}
