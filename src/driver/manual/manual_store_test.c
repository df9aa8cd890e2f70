/* Values entered by hand: on disk before they are taken, whole or as before on a disk that fails, and again after a
 * power cut. */
#include "base/test.h"
#include "driver/manual/manual_store.h"
#include "os/disk_sim.h"

#include <stdio.h>

static struct value
text(const char *s)
{
	return (struct value){ .type = VALUE_TEXT, .len = (uint32_t)strlen(s), .p = s };
}

static void
is_text(const struct manual_store *s, const char *name, const char *want)
{
	const struct manual_value *m = manual_store_get(s, name);
	CHECK(m != NULL && m->v.type == VALUE_TEXT);
	CHECK_STR((const char *)m->v.p, want);
}

TEST(what_was_taken_is_there_after_a_power_cut)
{
	struct disk_sim *sim = disk_sim_new();
	const struct disk *d = disk_sim_table(sim);
	struct manual_store s;
	struct value order = text("1000123"), later = text("1000124"), n = { .type = VALUE_I64, .i = -5 };

	d->mkdir(d->ctx, "/s");
	d->sync_dir(d->ctx, "/");
	CHECK_INT(manual_store_open(&s, d, "/s", "desk"), 0);
	d->sync_dir(d->ctx, "/s");
	CHECK(manual_store_get(&s, "order") == NULL);
	CHECK_INT(manual_store_set(&s, "order", &order, (struct wall){ 7 }), 0);
	CHECK_INT(manual_store_set(&s, "n", &n, (struct wall){ 8 }), 0);
	CHECK_INT(manual_store_set(&s, "order", &later, (struct wall){ 9 }), 0);
	manual_store_close(&s);
	for (uint64_t i = 0, all = disk_sim_states(sim, 10); i < all; i++) {
		struct disk_sim *cut = disk_sim_cut(sim, i, 10);
		CHECK_INT(manual_store_open(&s, disk_sim_table(cut), "/s", "desk"), 0);
		is_text(&s, "order", "1000124");
		CHECK(manual_store_get(&s, "n")->v.i == -5 && manual_store_get(&s, "order")->when.ns == 9);
		manual_store_close(&s);
		disk_sim_free(cut);
	}
	disk_sim_free(sim);
}

TEST(a_disk_that_refuses_leaves_the_value_of_before)
{
	struct value a = text("a"), b = text("b");

	for (uint64_t call = 1; call < 12; call++) {
		struct disk_sim *sim = disk_sim_new();
		const struct disk *d = disk_sim_table(sim);
		struct manual_store s;
		d->mkdir(d->ctx, "/s");
		CHECK_INT(manual_store_open(&s, d, "/s", "desk"), 0);
		CHECK_INT(manual_store_set(&s, "x", &a, (struct wall){ 1 }), 0);
		disk_sim_fault(sim, SIM_IO, call, 1);
		int err = manual_store_set(&s, "x", &b, (struct wall){ 2 });
		is_text(&s, "x", err == 0 ? "b" : "a");
		int other = manual_store_set(&s, "y", &b, (struct wall){ 2 });
		CHECK((manual_store_get(&s, "y") != NULL) == (other == 0));
		manual_store_close(&s);
		disk_sim_free(sim);
	}
}

/* Made from the description of the format by another program. */
TEST(a_file_reads_as_its_description_says_and_a_damaged_one_is_refused)
{
	uint8_t bytes[512];
	struct manual_store s = { 0 };
	FILE *f = fopen("test/corpus/manual_store/two", "rb");

	CHECK(f != NULL);
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	CHECK_INT(manual_store_parse(&s, bytes, n), 0);
	is_text(&s, "order", "1000123");
	CHECK(s.n == 2 && manual_store_get(&s, "pieces")->v.type == VALUE_I64 &&
	    manual_store_get(&s, "pieces")->v.i == 500);
	CHECK_INT(manual_store_get(&s, "pieces")->when.ns, 1795000000000000000);
	manual_store_close(&s);
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= 1;
		CHECK(manual_store_parse(&s, bytes, n) != 0);
		bytes[i] ^= 1;
		manual_store_close(&s);
	}
	CHECK(manual_store_parse(&s, bytes, n - 1) != 0);
	manual_store_close(&s);
}

TEST_MAIN
