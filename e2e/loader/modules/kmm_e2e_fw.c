// SPDX-License-Identifier: GPL-2.0
/* Comes only with the firmware that its parameter names, if it names one. */
#include <linux/err.h>
#include <linux/firmware.h>
#include <linux/module.h>
#include <linux/platform_device.h>

static char *fw;
module_param(fw, charp, 0444);

static int __init fw_init(void)
{
	struct platform_device *device;
	const struct firmware *firmware;
	int error;

	if (!fw)
		return 0;
	device = platform_device_register_simple("kmm_e2e_fw", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	error = request_firmware(&firmware, fw, &device->dev);
	if (!error)
		release_firmware(firmware);
	platform_device_unregister(device);
	return error;
}

static void __exit fw_exit(void)
{
}

module_init(fw_init);
module_exit(fw_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("asks for firmware");
MODULE_FIRMWARE("kmm-e2e.bin");
