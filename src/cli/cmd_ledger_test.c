/* penstock ledger and penstock spool over a stream made here: what they print and how they exit. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "cli/cli.h"
#include "spool/ledger.h"

#define T0 1700000000000000000LL

static char	state[128], path[300], printed[16384];

static void
make_state(uint64_t delivered)
{
	static struct spool_tag tags[] = { { .name = "Line 3/Filler/speed", .unit = "/min", .type = VALUE_F32 } };
	const struct spool_schema schema = { .flow = "speeds", .version = 0x12, .tags = tags, .n = 1 };
	const struct spool_opts opts = { .durability = SPOOL_EACH };
	struct sample v[10];
	struct spool_root *r;
	struct spool *s;
	struct ledger *l;
	uint64_t first;
	long holder;

	snprintf(state, sizeof state, "%s", test_dir());
	snprintf(path, sizeof path, "%s/spool", state);
	CHECK_INT(spool_root_open(path, &disk_os, &r, &holder), 0);
	CHECK_INT(spool_open(r, &schema, &opts, &s), 0);
	snprintf(path, sizeof path, "%s/spool/speeds@00000012", state);
	CHECK_INT(ledger_open(path, &disk_os, &l), 0);
	for (int i = 0; i < 10; i++)
		v[i] = (struct sample){ .arrival = { T0 + i * NS_PER_S },
			.v = { .type = VALUE_F32, .f32 = 1.5f * (float)i } };
	v[3].status = (uint32_t)STATUS_BadTimeout;
	v[3].v.type = VALUE_NULL;
	CHECK_INT(spool_append(s, v, 10, NULL, (struct wall){ T0 }, &first), 0);
	CHECK_INT(ledger_put(l, &(struct ledger_entry){ .kind = LEDGER_SINK, .sink = "plant-broker", .first = 1 }), 0);
	CHECK_INT(ledger_put(
		      l, &(struct ledger_entry){ .kind = LEDGER_DELIVERED, .sink = "plant-broker", .last = delivered }),
	    0);
	CHECK_INT(ledger_put(l, &(struct ledger_entry){ .kind = LEDGER_LOST, .last = 42 }), 0);
	ledger_close(l);
	spool_close(s);
	spool_root_close(r);
}

/* Run a command with its output caught in `printed`. */
static int
run(int (*cmd)(int argc, char **argv), int argc, const char *const *args)
{
	char *argv[16], out[200];

	snprintf(out, sizeof out, "%s/printed", state);
	for (int i = 0; i < argc; i++)
		argv[i] = (char *)(uintptr_t)args[i];
	argv[argc] = NULL;
	fflush(stdout);
	int was = dup(1), fd = open(out, O_CREAT | O_TRUNC | O_RDWR, 0600);
	CHECK(was >= 0 && fd >= 0 && dup2(fd, 1) == 1);
	int status = cmd(argc, argv);
	fflush(stdout);
	dup2(was, 1);
	ssize_t n = pread(fd, printed, sizeof printed - 1, 0);
	printed[n > 0 ? n : 0] = '\0';
	close(was);
	close(fd);
	return status;
}

#define RUN(cmd, ...)                                                                                                  \
	run(cmd, (int)(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)), (const char *[]){ __VA_ARGS__ })

TEST(the_account_is_shown_and_adds_up)
{
	make_state(7);
	CHECK_INT(RUN(cmd_ledger, "ledger", "--state", state), EXIT_OK);
	CHECK(strstr(printed, "speeds@00000012") != NULL);
	CHECK(strstr(printed,
		  "plant-broker               10            7            3            0            0           42\n") !=
	    NULL);
	CHECK(strstr(printed, "\nbalance 0: every admitted sample is accounted for\n") != NULL);
	CHECK_INT(RUN(cmd_ledger, "ledger", "--verify", "--state", state, "speeds"), EXIT_OK);
	CHECK_INT(RUN(cmd_ledger, "ledger", "--json", "--state", state), EXIT_OK);
	CHECK(strstr(printed,
		  "\"sink\":\"plant-broker\",\"active\":true,\"admitted\":10,\"delivered\":7,\"pending\":3") != NULL);
	CHECK(strstr(printed, "\"balance\":0,\"findings\":\"\"}") != NULL);
}

TEST(damage_is_shown_and_changes_the_exit_status)
{
	uint8_t b;

	make_state(7);
	strcat(path, "/00000000000000000001.seg");
	int fd = open(path, O_RDWR);
	CHECK(fd >= 0 && pread(fd, &b, 1, 650) == 1);
	b ^= 4;
	CHECK(pwrite(fd, &b, 1, 650) == 1);
	close(fd);
	CHECK_INT(RUN(cmd_ledger, "ledger", "--verify", "--state", state), EXIT_FINDINGS);
	CHECK(strstr(printed,
		  "/speeds@00000012/00000000000000000001.seg: byte 512: the content of the batch with samples 1 to 10 "
		  "is damaged") != NULL);
	CHECK(strstr(printed, "balance 0, but 1 streams are damaged") != NULL);
	CHECK_INT(RUN(cmd_spool, "spool", "verify", "--state", state), EXIT_FINDINGS);
}

TEST(the_spool_is_shown)
{
	make_state(7);
	CHECK_INT(RUN(cmd_spool, "spool", "info", "--state", state), EXIT_OK);
	CHECK(strstr(printed, "samples   10, numbers 1 to 10\n") != NULL);
	CHECK_INT(RUN(cmd_spool, "spool", "info", "speeds", "--json", "--state", state), EXIT_OK);
	CHECK(strstr(printed, "\"first\":1,\"next\":11,") != NULL);
	CHECK_INT(RUN(cmd_spool, "spool", "verify", "--state", state), EXIT_OK);
	CHECK(strstr(printed, "whole: 10 samples, 3 ledger entries") != NULL);
	CHECK_INT(RUN(cmd_spool, "spool", "dump", "--from", "3", "--limit", "2", "--state", state), EXIT_OK);
	CHECK_STR(printed, "3          2023-11-14T22:13:22.000000Z  Line 3/Filler/speed  3 /min\n"
	    "4          2023-11-14T22:13:23.000000Z  Line 3/Filler/speed  null  BadTimeout\n");
	CHECK_INT(RUN(cmd_spool, "spool", "dump", "--from", "4", "--limit", "1", "--json", "--state", state), EXIT_OK);
	CHECK(strstr(printed,
		  "{\"n\":4,\"tag\":\"Line "
		  "3/Filler/speed\",\"value\":null,\"type\":\"null\",\"status\":\"BadTimeout\"") != NULL);
}

TEST(what_cannot_be_done_says_why)
{
	make_state(7);
	CHECK_INT(RUN(cmd_spool, "spool"), EXIT_CANNOT);
	CHECK_INT(RUN(cmd_spool, "spool", "eat", "--state", state), EXIT_CANNOT);
	CHECK_INT(RUN(cmd_spool, "spool", "info", "nothing", "--state", state), EXIT_CANNOT);
	CHECK_INT(RUN(cmd_ledger, "ledger", "--state", "/nonexistent"), EXIT_CANNOT);
	CHECK_INT(RUN(cmd_spool, "spool", "dump", "--from", "x", "--state", state), EXIT_CANNOT);
	CHECK_INT(RUN(cmd_spool, "spool", "--help"), EXIT_OK);
}

TEST_MAIN
