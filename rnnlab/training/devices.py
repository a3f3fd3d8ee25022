"""Devices: which there are, and the strategy that trains on them."""

from __future__ import annotations

import functools
import os
from typing import Any

from rnnlab.errors import UserError
from rnnlab.settings import Training


def build_strategy(training: Training) -> Any:
    """Return the `tf.distribute` strategy: one device needs none, several are mirrored.

    Raises:
        UserError: logical replicas are asked for after TensorFlow has fixed its devices.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU") if training.devices == "auto" else []
    if training.replicas is not None and training.replicas > 1:
        return _mirrored(tuple(_logical_cpus(training.replicas)))
    if len(gpus) > 1:
        return _mirrored(tuple(f"GPU:{number}" for number in range(len(gpus))))
    return tf.distribute.OneDeviceStrategy("GPU:0" if gpus else "CPU:0")


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> Any:
    """Return the one mirrored strategy over these devices.

    Each strategy numbers its collective operations from the beginning, but TensorFlow knows them by number for the
    whole process: a second strategy, for the next seed, would meet the first one's shapes.
    """
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(devices)


def _logical_cpus(replicas: int) -> list[str]:
    import tensorflow as tf

    if len(tf.config.list_logical_devices("CPU")) < replicas:
        raise UserError(
            f"training.devices: {replicas} replicas, but TensorFlow has already started with "
            f"{len(tf.config.list_logical_devices('CPU'))} CPU device(s) in this process; "
            "call rnnlab.training.devices.prepare_devices first, or use a new process"
        )
    return [f"CPU:{number}" for number in range(replicas)]


def prepare_devices(training: Training) -> None:
    """Split the CPU into logical devices where the spec asks for replicas; before TensorFlow runs anything."""
    if training.replicas is None or training.replicas < 2:
        return
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    wanted = [tf.config.LogicalDeviceConfiguration() for _ in range(training.replicas)]
    try:
        tf.config.set_logical_device_configuration(cpu, wanted)
    except RuntimeError:
        # Already started; build_strategy says whether there are enough.
        return


def describe_devices(strategy: Any) -> dict[str, Any]:
    """Return what the manifest says of the hardware."""
    import tensorflow as tf

    return {
        "replicas": strategy.num_replicas_in_sync,
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "gpus": [
            tf.config.experimental.get_device_details(device).get("device_name", device.name)
            for device in tf.config.list_physical_devices("GPU")
        ],
        "cpu_count": os.cpu_count(),
    }
