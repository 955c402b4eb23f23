using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// Pinned buffers of the inputs and outputs of the cached graph, except the cache itself. Padding positions and padding sequences are masked
/// for all others, but attend to something themselves, so that no attention row is fully masked.
/// </summary>
internal sealed class CachedBuffers
{
    private const int Unreachable = int.MaxValue; // a rank past every horizon

    private readonly ModelManifest _manifest;
    private readonly float[] _emptyPast; // zeros: one position for every sequence of a run that reads nothing from the cache

    public CachedBuffers(ModelManifest manifest)
        : this(manifest, 0, 0, 0)
    {
    }

    private CachedBuffers(ModelManifest manifest, int content, int targets, int past)
    {
        _manifest = manifest;
        Content = [Pinned<long>(content), Pinned<long>(content), Pinned<long>(content), Pinned<long>(content)];
        Targets = [Pinned<long>(targets), Pinned<long>(targets)];
        PastRanks = Pinned<long>(past);
        _emptyPast = GC.AllocateArray<float>(checked(content * manifest.ModelDimension), pinned: true);
        Logits = Pinned<float>(checked(targets * manifest.VocabularySize));
        Present = [.. Enumerable.Range(0, 2 * manifest.Layers).Select(_ => Pinned<float>(checked(content * manifest.ModelDimension)))];
    }

    /// <summary>input_ids, content_positions, content_ranks and content_horizons, each [batch, content].</summary>
    public long[][] Content { get; }

    /// <summary>target_positions and target_horizons, each [batch, targets].</summary>
    public long[][] Targets { get; }

    /// <summary>[batch, past]</summary>
    public long[] PastRanks { get; }

    /// <summary>[batch, targets, vocabulary]</summary>
    public float[] Logits { get; }

    /// <summary>The new keys and values by port, each [batch, content, heads, head size].</summary>
    public float[][] Present { get; }

    /// <summary>Size of the large buffers: logits, keys and values.</summary>
    public long Bytes => (Content[0].Length * MemoryBounds.ContentBytes(_manifest)) + (Targets[0].Length * MemoryBounds.TargetBytes(_manifest));

    /// <summary>Whether a run of this shape fits.</summary>
    public bool CanFit(CachedShape shape) =>
        shape.Batch * shape.Content <= Content[0].Length && shape.Batch * shape.Targets <= Targets[0].Length && shape.Batch * shape.Past <= PastRanks.Length;

    /// <summary>Larger buffers for all shapes that fit these, and for this one.</summary>
    public CachedBuffers WithCapacityFor(CachedShape shape) => new(
        _manifest,
        Math.Max(checked(shape.Batch * shape.Content), Content[0].Length),
        Math.Max(checked(shape.Batch * shape.Targets), Targets[0].Length),
        Math.Max(checked(shape.Batch * shape.Past), PastRanks.Length));

    /// <summary>Writes the inputs of a run.</summary>
    public void Write(ReadOnlySpan<PlannedSequence> sequences, CachedRun run)
    {
        CachedShape shape = run.Shape;
        if (sequences.Length < shape.Batch)
        {
            for (int batchIndex = 0; batchIndex < shape.Batch; batchIndex++)
                WriteIdle(batchIndex, shape);
        }

        for (int i = 0; i < sequences.Length; i++)
        {
            PlannedSequence sequence = sequences[i];
            int batchIndex = run.BatchIndexOf(run.From + i, sequence.Slot);
            WriteContent(sequence, batchIndex * shape.Content, shape.Content);
            WriteTargets(sequence, batchIndex * shape.Targets, shape.Targets);
            WritePast(sequence, PastRanks.AsSpan(batchIndex * shape.Past, shape.Past));
        }
    }

    /// <summary>Binds the buffers and the cache as tensors of a shape.</summary>
    public BoundTensors Bind(OnnxGraph graph, CachedShape shape, IKeyValueCache cache)
    {
        int[] content = [shape.Batch, shape.Content], targets = [shape.Batch, shape.Targets];
        int[] present = [.. content, _manifest.Heads, _manifest.HeadSize];
        int[] emptyPast = [shape.Batch, _manifest.Heads, shape.Past, _manifest.HeadSize];
        var inputs = new List<OrtValue>();
        inputs.AddRange(Content.Select(memory => BoundTensors.Over(memory, content)));
        inputs.AddRange(Targets.Select(memory => BoundTensors.Over(memory, targets)));
        inputs.Add(BoundTensors.Over(PastRanks, [shape.Batch, shape.Past]));
        for (int port = 0; port < Present.Length; port++)
            inputs.Add(shape.IsFresh ? BoundTensors.Over(_emptyPast, emptyPast) : cache.Tensor(port, shape.FirstSlot, shape.Batch));
        return new(
            graph, [.. inputs],
            [BoundTensors.Over(Logits, [.. targets, _manifest.VocabularySize]), .. Present.Select(memory => BoundTensors.Over(memory, present))]);
    }

    private void WriteContent(PlannedSequence sequence, int start, int length)
    {
        SequenceState state = sequence.State;
        for (int i = 0; i < length; i++)
        {
            bool isPadding = i >= sequence.Content;
            int rank = isPadding ? 0 : sequence.FirstRank + i;
            int position = state.Order.Positions[rank];
            int horizon = Math.Max(state.Order.GivenCount, rank + 1); // a given token sees all given ones, any other the earlier ranks and itself
            WriteContent(start + i, state.Tokens[position], position, isPadding ? Unreachable : rank, horizon);
        }
    }

    private void WriteContent(int index, int token, int position, int rank, int horizon) =>
        (Content[0][index], Content[1][index], Content[2][index], Content[3][index]) = (token, position, rank, horizon);

    private void WriteTargets(PlannedSequence sequence, int start, int length)
    {
        ReadOnlySpan<Conditional> conditionals = sequence.State.Conditionals;
        for (int i = 0; i < length; i++)
        {
            Conditional query = conditionals[i < conditionals.Length ? i : 0];
            Targets[0][start + i] = sequence.State.Order.Positions[query.Rank];
            Targets[1][start + i] = query.Horizon;
        }
    }

    private static void WritePast(PlannedSequence sequence, Span<long> past)
    {
        past.Fill(Unreachable);
        ReadOnlySpan<int> ranks = sequence.State.Order.Ranks;
        for (int position = 0; position < Math.Min(ranks.Length, past.Length); position++)
        {
            if (ranks[position] < sequence.FirstRank)
                past[position] = ranks[position];
        }
    }

    /// <summary>Inputs of a slot whose sequence is not in the run: its positions attend to the first cached position.</summary>
    private void WriteIdle(int batchIndex, CachedShape shape)
    {
        for (int i = 0; i < shape.Content; i++)
            WriteContent(batchIndex * shape.Content + i, _manifest.MaskId, 0, Unreachable, 1);
        Targets[0].AsSpan(batchIndex * shape.Targets, shape.Targets).Clear();
        Targets[1].AsSpan(batchIndex * shape.Targets, shape.Targets).Fill(1);
        Span<long> past = PastRanks.AsSpan(batchIndex * shape.Past, shape.Past);
        past.Fill(Unreachable);
        past[0] = 0;
    }

    private static T[] Pinned<T>(int length) => GC.AllocateUninitializedArray<T>(length, pinned: true);
}
