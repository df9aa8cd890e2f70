/* Any bytes as a command and as a STATE: never a crash, never more metrics than bytes; a STATE that is taken is taken again. */
#include <stdlib.h>

#include "sink/sparkplug/sp_command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_command c;
	struct sp_host_state s;
	struct sp_host h = { 0 };

	if (sp_command_parse(data, size, &c) == 0 && c.others > size)
		abort();
	if (sp_host_state_parse(data, size, &s) != 0)
		return 0;
	if (s.timestamp < 0 || !sp_host_take(&h, &s) || !sp_host_take(&h, &s) || h.online != s.online)
		abort();
	s.timestamp--;
	if (sp_host_take(&h, &s))
		abort();
	return 0;
}
