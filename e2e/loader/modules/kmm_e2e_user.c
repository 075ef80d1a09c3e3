// SPDX-License-Identifier: GPL-2.0
/* Needs kmm_e2e_base, and cannot leave while somebody has /dev/kmm_e2e open. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

int kmm_e2e_scale(int value);

static char *site = "unknown";
module_param(site, charp, 0444);

static const struct file_operations operations = {
	.owner = THIS_MODULE,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kmm_e2e",
	.fops = &operations,
};

static int __init user_init(void)
{
	return kmm_e2e_scale(14) == 42 ? misc_register(&device) : -EINVAL;
}

static void __exit user_exit(void)
{
	misc_deregister(&device);
}

module_init(user_init);
module_exit(user_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("depends on kmm_e2e_base");
