/* Any text as an address: never a crash, a refusal says why, and what is taken has what its kind needs. */
#include <stdlib.h>
#include <string.h>

#include "driver/opcua/ua_addr.h"
#include "model/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct ua_addr x, object;
	struct at_info info;
	char why[200] = "";

	if (size > 8192)
		return 0;
	char *text = arena_strndup(&a, (const char *)data, size);
	int err = ua_addr_parse(text, &a, &x, why, sizeof why);
	must((err == 0) == (why[0] == '\0'));
	if (err == 0) {
		must(x.npath <= UA_PATH_MAX && x.nfield <= UA_PATH_MAX && x.attribute != 0 && value_type_valid(x.type));
		must(x.kind == UA_ADDR_PATH ? x.npath > 0 : x.npath > 0 || x.id_kind == 'i' || x.s != NULL);
		for (uint32_t i = 0; i < x.npath; i++)
			must(x.path[i].name[0] != '\0');
		for (uint32_t i = 0; i < x.nfield; i++)
			must(x.field[i][0] != '\0');
		ua_parse_at(text, NULL, &info, why, sizeof why);
		must(info.first == info.last && value_type_valid(info.type));
	}
	if (ua_method_parse(text, &a, &object, &x, why, sizeof why) == 0)
		must(object.npath > 0 || object.id_kind != 0);
	arena_fini(&a);
	return 0;
}
