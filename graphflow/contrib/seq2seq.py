"""`tf.contrib.seq2seq`."""
from ..compiler.ops.beam import gather_tree
from ..rnn.steps import swap_batch_time
from ..seq2seq.attention import (
    AttentionMechanism,
    BahdanauAttention,
    BahdanauMonotonicAttention,
    LuongAttention,
    LuongMonotonicAttention,
    MemoryAttention,
    hardmax,
    mask_score,
    monotonic_attention,
    monotonic_probability_fn,
    prepare_memory,
    safe_cumprod,
)
from ..seq2seq.attention_wrapper import AttentionWrapper, AttentionWrapperState, compute_attention
from ..seq2seq.beam import (
    BeamSearchDecoder,
    BeamSearchDecoderOutput,
    BeamSearchDecoderState,
    FinalBeamSearchDecoderOutput,
    gather_tree_from_array,
    tile_batch,
)
from ..seq2seq.decoder import BasicDecoder, BasicDecoderOutput, Decoder, dynamic_decode
from ..seq2seq.helpers import (
    CustomHelper,
    GreedyEmbeddingHelper,
    Helper,
    InferenceHelper,
    SampleEmbeddingHelper,
    ScheduledEmbeddingTrainingHelper,
    ScheduledOutputTrainingHelper,
    TrainingHelper,
)
from ..seq2seq.loss import sequence_loss

__all__ = [
    "AttentionMechanism", "AttentionWrapper", "AttentionWrapperState", "BahdanauAttention",
    "BahdanauMonotonicAttention", "BasicDecoder", "BasicDecoderOutput", "BeamSearchDecoder", "BeamSearchDecoderOutput",
    "BeamSearchDecoderState", "CustomHelper", "Decoder", "FinalBeamSearchDecoderOutput", "GreedyEmbeddingHelper",
    "Helper", "InferenceHelper", "LuongAttention", "LuongMonotonicAttention", "SampleEmbeddingHelper",
    "ScheduledEmbeddingTrainingHelper", "ScheduledOutputTrainingHelper", "TrainingHelper", "dynamic_decode",
    "gather_tree", "gather_tree_from_array", "hardmax", "monotonic_attention", "monotonic_probability_fn",
    "safe_cumprod", "sequence_loss", "tile_batch",
]

# what programs took from its modules
_transpose_batch_time = swap_batch_time
_BaseAttentionMechanism = MemoryAttention
_compute_attention, _maybe_mask_score, _prepare_memory = compute_attention, mask_score, prepare_memory
