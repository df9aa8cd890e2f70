/* What the keys of an opcua-server sink may say. */
#include "sink/opcua_server/uas.h"

#include <string.h>

#include "base/test.h"

static struct keyval keys[UAS_KEYS];
static const struct sink sink = { .name = "plant", .kind = "opcua-server", .keys = keys, .nkeys = UAS_KEYS };
static struct uas_cfg cfg;
static char why[400];
static size_t key;

static void
begin(void)
{
	memset(keys, 0, sizeof keys);
	keys[UAS_K_LISTEN] = (struct keyval){ .set = true, .s = "127.0.0.1:4840" };
	keys[UAS_K_ANONYMOUS] = (struct keyval){ .set = true, .b = true };
}

static int
check(void)
{
	arena_fini(&cfg.arena);
	return uas_cfg_read(&sink, &cfg, why, sizeof why, &key);
}

static int
with_users(const char *one, const char *two)
{
	static const char *list[2];

	list[0] = one;
	list[1] = two;

	begin();
	keys[UAS_K_ANONYMOUS].b = false;
	keys[UAS_K_PASSWORDS] = (struct keyval){ .set = true, .s = "pw" };
	keys[UAS_K_USERS] = (struct keyval){ .set = true, .list = list, .n = two != NULL ? 2 : 1 };
	return check();
}

TEST(security_is_on_unless_the_file_says_none)
{
	begin();
	CHECK_INT(check(), 0);
	CHECK_INT(cfg.security, 1 << UAS_SEC_SIGN | 1 << UAS_SEC_ENCRYPT);
	CHECK_INT(cfg.policies, 7);
	CHECK_STR(cfg.host, "127.0.0.1");
	CHECK_INT(cfg.port, 4840);
	keys[UAS_K_SECURITY] = (struct keyval){ .set = true, .i = 1 << UAS_SEC_NONE };
	CHECK_INT(check(), 0);
	CHECK_INT(cfg.security, 1 << UAS_SEC_NONE);
	keys[UAS_K_SECURITY].i = 0;
	CHECK(check() != 0);
	CHECK_INT(key, UAS_K_SECURITY);
}

TEST(somebody_must_be_able_to_log_in)
{
	begin();
	keys[UAS_K_ANONYMOUS].b = false;
	CHECK(check() != 0);
	CHECK_INT(key, UAS_K_USERS);
	CHECK(strstr(why, "nobody could log in") != NULL);
}

TEST(users_are_names_with_a_role_and_need_a_password_file)
{
	CHECK_INT(with_users("scada view", "maria operate"), 0);
	CHECK_INT(cfg.nusers, 2);
	CHECK_STR(cfg.users[1].name, "maria");
	CHECK_INT(cfg.users[1].role, UAS_ROLE_OPERATE);
	CHECK(with_users("scada", NULL) != 0);
	CHECK(with_users("scada admin", NULL) != 0);
	CHECK(with_users("sca:da view", NULL) != 0);
	CHECK(with_users("scada view", "scada operate") != 0);
	CHECK(strstr(why, "twice") != NULL);
	CHECK_INT(with_users("scada view", NULL), 0);
	keys[UAS_K_PASSWORDS].set = false;
	CHECK(check() != 0);
	CHECK(strstr(why, "penstock passwd") != NULL);
	arena_fini(&cfg.arena);
}

TEST_MAIN
