// SPDX-License-Identifier: GPL-2.0
/* Exports what kmm_e2e_user needs. */
#include <linux/module.h>

static char *site = "unknown";
module_param(site, charp, 0444);

int kmm_e2e_scale(int value);

int kmm_e2e_scale(int value)
{
	return 3 * value;
}
EXPORT_SYMBOL_GPL(kmm_e2e_scale);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("exports a symbol");
