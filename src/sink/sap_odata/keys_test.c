/* What the keys of an sap-odata sink may say, and what is made of them. */
#include "sink/sap_odata/keys.h"

#include <string.h>

#include "base/test.h"
#include "site/parse.h"

#define KEYS_MAX 64u

static struct keyval v[KEYS_MAX];
static struct sink sink = { .name = "sap", .kind = "sap-odata", .keys = v };
static struct sap_cfg cfg;
static char why[400];
static size_t key;

static struct keyval *
at(const char *name)
{
	for (size_t i = 0; sap_keys[i].name != NULL; i++)
		if (strcmp(sap_keys[i].name, name) == 0)
			return &v[i];
	test_fail(__FILE__, __LINE__, "no key %s", name);
}

static void
set(const char *name, const char *text)
{
	struct keyval *k = at(name);
	k->set = true;
	k->s = text;
}

static void
list(const char *name, const char *const *words, size_t n)
{
	struct keyval *k = at(name);
	k->set = true;
	k->list = words;
	k->n = n;
}

static void
begin(void)
{
	memset(v, 0, sizeof v);
	sink.nkeys = (uint32_t)key_count(sap_keys);
	CHECK(sink.nkeys <= KEYS_MAX);
	set("server", "s4.example:44300");
	set("token-path", "/oauth/token");
	set("language", "EN");
	at("tls")->b = at("tls")->set = true;
	at("connections")->i = 4;
	at("batch")->i = 1;
	at("timeout")->i = 60 * NS_PER_S;
}

static int
judge(void)
{
	sap_cfg_fini(&cfg);
	key = SIZE_MAX;
	return sap_cfg_read(&sink, &cfg, why, sizeof why, &key);
}

static void
refused(const char *name, const char *part)
{
	CHECK(judge() != 0);
	CHECK(key < sink.nkeys);
	CHECK_STR(sap_keys[key].name, name);
	if (strstr(why, part) == NULL)
		test_fail(__FILE__, __LINE__, "no \"%s\" in: %s", part, why);
}

TEST(a_server_is_spoken_to_in_tls_unless_told_otherwise)
{
	begin();
	CHECK_INT(judge(), 0);
	CHECK_STR(cfg.far.base, "https://s4.example:44300");
	CHECK_INT(cfg.far.auth, FAR_AUTH_NONE);
	at("tls")->b = false;
	CHECK_INT(judge(), 0);
	CHECK_STR(cfg.far.base, "http://s4.example:44300");
	set("ca-file", "ca.pem");
	refused("ca-file", "tls is off");
	sap_cfg_fini(&cfg);
}

/* An event is looked up at the server that stands beside it since it was posted. */
TEST(a_server_has_one_name_however_it_is_written)
{
	begin();
	set("server", "S4.Example");
	CHECK_INT(judge(), 0);
	CHECK_STR(cfg.far.base, "https://s4.example:443");
	set("server", "s4.example:443");
	CHECK_INT(judge(), 0);
	CHECK_STR(cfg.far.base, "https://s4.example:443");
	at("tls")->b = false;
	set("server", "[FD00:0::10]");
	CHECK_INT(judge(), 0);
	CHECK_STR(cfg.far.base, "http://[fd00::10]:80");
	sap_cfg_fini(&cfg);
}

TEST(each_way_to_log_on_is_whole)
{
	begin();
	set("user", "U");
	refused("user", "password-file");
	set("password-file", "f");
	CHECK_INT(judge(), 0);
	CHECK_INT(cfg.far.auth, FAR_AUTH_BASIC);
	set("token-server", "t.example");
	refused("token-server", "two ways");
	begin();
	set("oauth-scope", "X");
	refused("oauth-scope", "token-server");
	set("token-server", "t.example:444");
	refused("token-server", "oauth-client-id");
	set("oauth-client-id", "id");
	refused("token-server", "secret");
	set("cert-file", "c");
	refused("cert-file", "both");
	set("key-file", "k");
	CHECK_INT(judge(), 0);
	CHECK_STR(cfg.far.token_url, "https://t.example:444/oauth/token");
	CHECK_STR(cfg.far.user, "id");
	set("token-path", "oauth");
	refused("token-path", "slash");
	begin();
	set("proxy-user", "p");
	refused("proxy-user", "no proxy");
	begin();
	set("client", "1a0");
	refused("client", "three digits");
	sap_cfg_fini(&cfg);
}

TEST(no_time_may_be_0_that_is_waited_for)
{
	static const struct { const char *key, *text, *why; } bad[] = {
		{ "settle", "0", "booked twice" }, { "settle", "0 s", "booked twice" }, { "settle", "900 ms", "booked twice" },
		{ "timeout", "0", "held for ever" }, { "connect-timeout", "0", "held for ever" }, { "poll", "0", "without a pause" }, { "metadata-every", "0", "without a pause" },
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const struct key *k = &sap_keys[at(bad[i].key) - v];
		struct parse_env env = { .decimal = '.' };
		struct keyval out;
		CHECK(key_parse(k, bad[i].text, strlen(bad[i].text), &env, &out) != 0);
		CHECK(strstr(env.remedy, bad[i].why) != NULL);
		CHECK_INT(key_parse(k, "30 s", 4, &env, &out), strcmp(bad[i].key, "metadata-every") == 0 ? ERR_RANGE : 0);
	}
}

TEST(rows_of_post_and_settings_are_taken_apart)
{
	static const char *const posts[] = { "Packaging/**/confirmation  ->  production-confirmation", "**->x" };
	static const char *const settings[] = { "plant = 1010", "a=b = c" };

	begin();
	list("post", posts, 2);
	list("settings", settings, 2);
	CHECK_INT(judge(), 0);
	CHECK_INT(cfg.nposts, 2);
	CHECK_STR(cfg.posts[0].pattern, "Packaging/**/confirmation");
	CHECK_STR(cfg.posts[0].mapping, "production-confirmation");
	CHECK_STR(cfg.posts[1].pattern, "**");
	CHECK_STR(cfg.settings[0].name, "plant");
	CHECK_STR(cfg.settings[0].value, "1010");
	CHECK_STR(cfg.settings[1].value, "b = c");
	static const char *const bad[] = { "Packaging/confirmation" }, *const worse[] = { " -> x" }, *const empty[] = { "x ->  " };
	list("post", bad, 1);
	refused("post", "write it as");
	list("post", worse, 1);
	refused("post", "write it as");
	list("post", empty, 1);
	refused("post", "write it as");
	sap_cfg_fini(&cfg);
}

TEST(rows_of_read_name_a_mapping_what_narrows_it_and_an_equipment)
{
	static const char *const reads[] = { "production-orders work-center=PACK01 plant=1010 -> Packaging/Line 3/order", "x y= -> A/{b}" };
	static const char *const bad[][1] = { { "x" }, { "x y -> A" }, { "x =1 -> A" }, { "x -> A//B" }, { "x -> A/*" } };

	begin();
	list("read", reads, 2);
	CHECK_INT(judge(), 0);
	CHECK_STR(cfg.reads[0].mapping, "production-orders");
	CHECK_STR(cfg.reads[0].equipment, "Packaging/Line 3/order");
	CHECK_INT(cfg.reads[0].nwhere, 2);
	CHECK_STR(cfg.reads[0].where[1].name, "plant");
	CHECK_STR(cfg.reads[0].where[1].value, "1010");
	CHECK_INT(cfg.reads[1].nwhere, 1);
	CHECK_STR(cfg.reads[1].where[0].value, "");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		list("read", bad[i], 1);
		refused("read", "write it as");
	}
	sap_cfg_fini(&cfg);
}

TEST(rules_and_windows_are_the_outbox_s)
{
	static const char *const rules[] = { "RU/013 -> retry after 5 min", "* -> hold" }, *const windows[] = { "Sun 02:00-06:00" };
	static const char *const bad_rule[] = { "RU/013 -> shout" }, *const bad_window[] = { "Sunday" };

	begin();
	list("rules", rules, 2);
	list("maintenance", windows, 1);
	CHECK_INT(judge(), 0);
	CHECK_INT(cfg.nrules, 2);
	CHECK_INT(cfg.rules[0].action, OUTBOX_RETRY);
	CHECK_INT(cfg.rules[0].after_ns, 300 * NS_PER_S);
	CHECK_INT(cfg.nwindows, 1);
	list("rules", bad_rule, 1);
	refused("rules", "");
	begin();
	list("maintenance", bad_window, 1);
	refused("maintenance", "");
	sap_cfg_fini(&cfg);
}

TEST_MAIN
