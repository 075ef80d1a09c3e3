// SPDX-License-Identifier: GPL-2.0
/* Exports one function, takes one parameter, and knows one firmware file. */
#include <linux/module.h>

static char *site = "unknown";
module_param(site, charp, 0444);
MODULE_PARM_DESC(site, "name of the site that this node serves");

int kmm_demo_scale(int value);

int kmm_demo_scale(int value)
{
	return 3 * value;
}
EXPORT_SYMBOL_GPL(kmm_demo_scale);

static int __init kmm_demo_a_init(void)
{
	pr_info("kmm_demo_a: serving %s\n", site);
	return 0;
}

static void __exit kmm_demo_a_exit(void)
{
	pr_info("kmm_demo_a: leaving %s\n", site);
}

module_init(kmm_demo_a_init);
module_exit(kmm_demo_a_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KMM Fleet demo: exports a symbol");
MODULE_FIRMWARE("kmm-demo.bin");
