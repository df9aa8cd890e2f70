/* What hosts send, hostile or not; the rule of timestamps; the number of births and deaths over restarts and failing disks. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/test.h"
#include "os/disk.h"
#include "sink/sparkplug/sp_bdseq.h"
#include "sink/sparkplug/sp_command.h"
#include "sink/sparkplug/sp_keys.h"

static int
command(const char *hex, struct sp_command *c)
{
	uint8_t bytes[256];
	size_t n = test_hex(hex, bytes, sizeof bytes);
	return sp_command_parse(bytes, n, c);
}

TEST(a_rebirth_request_is_found)
{
	struct sp_command c;

	/* Made by a standard protobuf compiler from the published schema. */
	CHECK_INT(command("0880d095ffbc3112210a144e6f646520436f6e74726f6c2f526562697274681880d095ffbc31200b7001", &c), 0);
	CHECK(c.rebirth);
	CHECK_INT(c.others, 0);
}

TEST(a_rebirth_of_false_is_none)
{
	struct sp_command c;

	CHECK_INT(command("12180a144e6f646520436f6e74726f6c2f526562697274687000", &c), 0);
	CHECK(!c.rebirth);
}

TEST(other_metrics_are_counted_by_name_or_alias)
{
	struct sp_command c;

	CHECK_INT(command("1203 0a0178 1202 1005", &c), 0);
	CHECK_INT(c.others, 2);
}

TEST(nesting_is_passed_over_and_garbage_refused)
{
	struct sp_command c;
	static uint8_t big[SP_COMMAND_MAX + 1];

	CHECK_INT(command("1208 4a06 0a0178 1201 08", &c), 0);	/* properties, whatever is in them */
	CHECK_INT(command("ffffff", &c), ERR_PROTO);
	CHECK_INT(command("1205 0a", &c), ERR_PROTO);
	CHECK_INT(sp_command_parse(big, sizeof big, &c), ERR_LIMIT);
}

static int
state(const char *text, struct sp_host_state *s)
{
	return sp_host_state_parse(text, strlen(text), s);
}

TEST(a_state_is_read_or_refused)
{
	struct sp_host_state s;

	CHECK_INT(state("{\"online\":true,\"timestamp\":1700000000000}", &s), 0);
	CHECK(s.online && s.timestamp == 1700000000000);
	CHECK_INT(state("{\"timestamp\":1.7e12,\"online\":false,\"more\":[]}", &s), 0);
	CHECK(!s.online && s.timestamp == 1700000000000);
	CHECK_INT(state("ONLINE", &s), ERR_SYNTAX);
	CHECK_INT(state("", &s), ERR_SYNTAX);
	CHECK_INT(state("[true]", &s), ERR_PROTO);
	CHECK_INT(state("{\"online\":1,\"timestamp\":1}", &s), ERR_PROTO);
	CHECK_INT(state("{\"online\":true}", &s), ERR_PROTO);
	CHECK_INT(state("{\"online\":true,\"timestamp\":-1}", &s), ERR_PROTO);
	CHECK_INT(state("{\"online\":true,\"timestamp\":1e300}", &s), ERR_PROTO);
}

TEST(an_older_state_means_nothing)
{
	struct sp_host h = { 0 };

	CHECK(sp_host_take(&h, &(struct sp_host_state){ true, 100 }));
	CHECK(!sp_host_take(&h, &(struct sp_host_state){ false, 99 }));
	CHECK(h.online);
	CHECK(sp_host_take(&h, &(struct sp_host_state){ false, 100 }));
	CHECK(!h.online);
}

static struct sp_bdseq
numbers(char *path, size_t size)
{
	snprintf(path, size, "%s/bdseq", test_dir());
	return (struct sp_bdseq){ .disk = &disk_os, .path = path };
}

TEST(numbers_start_at_zero_and_go_round_at_255)
{
	char path[512];
	struct sp_bdseq b = numbers(path, sizeof path);

	for (int i = 0; i < 256; i++)
		CHECK_INT(sp_bdseq_next(&b), i);
	CHECK_INT(sp_bdseq_next(&b), 0);
}

TEST(numbers_go_on_after_a_restart)
{
	char path[512];
	struct sp_bdseq b = numbers(path, sizeof path);

	sp_bdseq_next(&b);
	sp_bdseq_next(&b);
	struct sp_bdseq again = { .disk = &disk_os, .path = path };
	CHECK_INT(sp_bdseq_next(&again), 2);
}

TEST(a_file_of_numbers_that_is_damaged_starts_again)
{
	char path[512];
	struct sp_bdseq b = numbers(path, sizeof path);

	CHECK_INT(disk_replace(&disk_os, path, "256\n", 4), 0);
	CHECK_INT(sp_bdseq_next(&b), 0);
	CHECK_INT(disk_replace(&disk_os, path, "12", 2), 0);
	b.loaded = false;
	CHECK_INT(sp_bdseq_next(&b), 0);
}

static int
no_open(void *ctx, const char *path, int flags)
{
	(void)ctx;
	(void)path;
	(void)flags;
	return ERR_NOSPACE;
}

TEST(a_disk_that_refuses_stops_no_number)
{
	struct disk full = disk_os;
	full.open = no_open;
	struct sp_bdseq b = { .disk = &full, .path = "nowhere/bdseq" };

	CHECK_INT(sp_bdseq_next(&b), 0);
	CHECK_INT(sp_bdseq_next(&b), 1);
}

TEST(ids_keep_different_texts_different)
{
	struct buf b = { 0 };

	sp_id_put(&b, "Packaging/Line 3/Fill.er", 24, true);
	CHECK_STR(buf_text(&b), "Packaging.Line 3.Fill%2Eer");
	buf_reset(&b);
	sp_id_put(&b, "a+b#c/d%e\xff", 10, false);
	CHECK_STR(buf_text(&b), "a%2Bb%23c%2Fd%25e%FF");
	buf_fini(&b);
}

TEST_MAIN
