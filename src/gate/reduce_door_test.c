/* The swinging door: what it keeps, and that the rest lies within its deviation. */
#include "gate/reduce_rig.h"

static const struct reduce_how door = { .kind = REDUCE_SWINGING_DOOR, .change = CHANGE_ABSOLUTE, .door = 0.5 };

TEST(a_door_keeps_the_ends_of_straight_lines)
{
	struct rig g = rig_new(door);
	const double in[] = { 0, 1, 2, 3, 4, 3, 2, 1, 0 };	/* up and down again: the top passes */
	for (int i = 0; i < 9; i++)
		rig_feed(&g, rig_f64(T0 + i * S, in[i]));
	reduce_finish(g.r, (struct wall){ T0 + 9 * S }, &g.out);
	CHECK_STR(rig_values(&g), "0 4 0");
	CHECK_INT(g.out.v[1].arrival.ns, T0 + 4 * S);
	rig_free(&g);
}

TEST(a_door_lets_status_and_nan_pass_between_its_lines)
{
	struct rig g = rig_new(door);
	rig_feed(&g, rig_f64(T0, 1));
	rig_feed(&g, rig_f64(T0 + S, 1));
	rig_feed(&g, rig_bad(T0 + 2 * S));
	rig_feed(&g, rig_bad(T0 + 3 * S));
	rig_feed(&g, rig_f64(T0 + 4 * S, 1));
	rig_feed(&g, rig_f64(T0 + 5 * S, NAN));
	rig_feed(&g, rig_f64(T0 + 6 * S, NAN));
	rig_feed(&g, rig_f64(T0 + 7 * S, 2));
	CHECK_STR(rig_values(&g), "1 1 - 1 nan 2");
	rig_free(&g);
}

/* v[i] lies within e of the line between what passed before and after it. */
static void
check_bound(const struct sample *v, size_t n, const struct out *o, double e)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t t = v[i].arrival.ns;
		while (k + 1 < o->n && o->v[k + 1].arrival.ns <= t)
			k++;
		CHECK(o->v[k].arrival.ns <= t);
		if (o->v[k].arrival.ns == t) {
			CHECK(value_equal(&o->v[k].v, &v[i].v) && o->v[k].status == v[i].status);
			continue;
		}
		if (status_is_bad(v[i].status)) {	/* one more bad one like that before it */
			CHECK(o->v[k].status == v[i].status);
			continue;
		}
		CHECK(k + 1 < o->n);
		double share = (double)(t - o->v[k].arrival.ns) / (double)(o->v[k + 1].arrival.ns - o->v[k].arrival.ns);
		double line = o->v[k].v.f64 + share * (o->v[k + 1].v.f64 - o->v[k].v.f64);
		CHECK(fabs(v[i].v.f64 - line) <= e * (1 + 1e-9) + 1e-9);
	}
}

TEST(every_sample_lies_within_the_deviation_of_the_line)
{
	static struct sample v[2000];

	for (uint64_t round = 1; round <= 300; round++) {
		struct reduce_how how = door;
		rig_seed = round * 7919;
		how.door = 0.01 + rig_rnd01() * 3;
		how.at_least_every_ns = rig_rnd() % 2 ? 0 : 30 * S;
		struct rig g = rig_new(how);
		int64_t t = T0;
		double x = 0, drift = 0;
		for (size_t i = 0; i < 2000; i++) {
			t += 1 + (int64_t)(rig_rnd() % (uint64_t)S);
			drift = rig_rnd() % 50 == 0 ? rig_rnd01() - 0.5 : drift;
			x += drift + (rig_rnd01() - 0.5) * 0.3 + (rig_rnd() % 200 == 0 ? 20 : 0);
			v[i] = rig_f64(t, x);
			if (rig_rnd() % 300 == 0)
				v[i] = rig_bad(t);
			rig_feed(&g, v[i]);
		}
		reduce_finish(g.r, (struct wall){ t }, &g.out);
		CHECK(g.out.n < 2000);
		check_bound(v, 2000, &g.out, how.door);
		rig_free(&g);
	}
}

TEST_MAIN
