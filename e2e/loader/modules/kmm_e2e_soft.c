// SPDX-License-Identifier: GPL-2.0
/* Asks for one module before it and for one behind it. */
#include <linux/module.h>

static int __init plain_init(void)
{
	pr_info(KBUILD_MODNAME ": came\n");
	return 0;
}

static void __exit plain_exit(void)
{
	pr_info(KBUILD_MODNAME ": went\n");
}

module_init(plain_init);
module_exit(plain_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("has soft dependencies");
MODULE_SOFTDEP("pre: kmm_e2e_one post: kmm_e2e_two");
