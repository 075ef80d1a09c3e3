// SPDX-License-Identifier: GPL-2.0
/* Exports one function, takes one parameter, and reads one firmware file, without which it works too. */
#include <linux/err.h>
#include <linux/firmware.h>
#include <linux/module.h>
#include <linux/platform_device.h>

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
	struct platform_device *device;
	const struct firmware *firmware;

	device = platform_device_register_simple("kmm_demo_a", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	if (request_firmware(&firmware, "kmm-demo.bin", &device->dev) == 0) {
		pr_info("kmm_demo_a: firmware of %zu bytes\n", firmware->size);
		release_firmware(firmware);
	}
	platform_device_unregister(device);
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
