// SPDX-License-Identifier: GPL-2.0
/* Uses what kmm_demo_a exports, so that loading it loads both; stays while somebody has /dev/kmm_demo open. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

int kmm_demo_scale(int value);

static char *site = "unknown";
module_param(site, charp, 0444);
MODULE_PARM_DESC(site, "name of the site that this node serves");

static const struct file_operations kmm_demo_operations = {
	.owner = THIS_MODULE,
};

static struct miscdevice kmm_demo_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kmm_demo",
	.fops = &kmm_demo_operations,
};

static int __init kmm_demo_b_init(void)
{
	pr_info("kmm_demo_b: %s scales 14 to %d\n", site, kmm_demo_scale(14));
	return misc_register(&kmm_demo_device);
}

static void __exit kmm_demo_b_exit(void)
{
	misc_deregister(&kmm_demo_device);
	pr_info("kmm_demo_b: leaving %s\n", site);
}

module_init(kmm_demo_b_init);
module_exit(kmm_demo_b_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KMM Fleet demo: depends on kmm_demo_a");
