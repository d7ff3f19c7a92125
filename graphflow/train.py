"""`tf.train`: the list of its names, each loaded from its module when it is first used."""
from __future__ import annotations

from typing import Any

from .lazy import Names

_names = Names(globals(), {
    "example": "BytesList Example Feature FeatureList FeatureLists Features FloatList Int64List SequenceExample",
    "io_ops": "match_filenames_once",
    "training.optimizer": "Optimizer",
    "training.optimizers": "AdadeltaOptimizer AdagradOptimizer AdamOptimizer GradientDescentOptimizer "
                           "MomentumOptimizer RMSPropOptimizer",
    "training.proximal": "AdagradDAOptimizer FtrlOptimizer ProximalAdagradOptimizer ProximalGradientDescentOptimizer",
    "training.moving_averages": "ExponentialMovingAverage",
    "training.learning_rate": "cosine_decay cosine_decay_restarts exponential_decay inverse_time_decay "
                              "linear_cosine_decay natural_exp_decay noisy_linear_cosine_decay piecewise_constant "
                              "piecewise_constant_decay polynomial_decay",
    "training.sync_replicas": "SyncReplicasOptimizer",
    "training.saver": "Saver SaverDef",
    "training.checkpoint": "Checkpoint CheckpointManager",
    "training.experimental": "experimental",
    "training.meta_graph": "export_meta_graph import_meta_graph write_graph",
    "training.checkpoint_state": "CheckpointState checkpoint_exists checkpoints_iterator "
                                 "generate_checkpoint_state_proto get_checkpoint_mtimes get_checkpoint_state "
                                 "latest_checkpoint remove_checkpoint update_checkpoint_state",
    "training.checkpoint_utils": "NewCheckpointReader init_from_checkpoint list_variables load_checkpoint "
                                 "load_variable warm_start",
    "training.coordinator": "Coordinator LooperThread",
    "training.queue_runner": "QueueRunner add_queue_runner queue_runner start_queue_runners",
    "training.input": "batch batch_join input_producer limit_epochs maybe_batch "
                      "maybe_batch_join maybe_shuffle_batch maybe_shuffle_batch_join range_input_producer "
                      "shuffle_batch shuffle_batch_join slice_input_producer string_input_producer",
    "training.session_run_hook": "SessionRunArgs SessionRunContext SessionRunHook SessionRunValues",
    "training.step_timer": "SecondOrStepTimer",
    "training.hooks": "CheckpointSaverHook CheckpointSaverListener FeedFnHook FinalOpsHook GlobalStepWaiterHook "
                      "LoggingTensorHook NanLossDuringTrainingError NanTensorHook StepCounterHook StopAtStepHook "
                      "SummarySaverHook",
    "training.profiler_hook": "ProfilerHook",
    "summary": "summary_iterator",
    "training.session_manager": "SessionManager",
    "training.monitored_session": "ChiefSessionCreator MonitoredSession MonitoredTrainingSession Scaffold "
                                  "SessionCreator SingularMonitoredSession WorkerSessionCreator",
    "training.supervisor": "Supervisor basic_train_loop",
    "training.server": "ClusterSpec Server replica_device_setter",
    "messages": "ClusterDef JobDef ServerDef",
    "training.checkpoint_options": "CheckpointOptions VocabInfo",
    "training.global_step": "assert_global_step create_global_step get_global_step get_or_create_global_step "
                            "global_step",
})

__all__ = _names.own()  # noqa: PLE0605 (the names are made on first use)


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return __all__
