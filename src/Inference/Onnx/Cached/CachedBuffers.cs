using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// Memory of what the graph with the cache takes and gives besides the cache itself. Rows that pad a sequence, and whole sequences
/// that pad a run, see something, so that no row is fully masked, and are seen by nobody.
/// </summary>
internal sealed class CachedBuffers
{
    private const int Unreachable = int.MaxValue; // a rank past every horizon

    private readonly ModelManifest _manifest;
    private readonly float[] _nothing; // zeros, a position for every sequence of a run without a past

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
        _nothing = GC.AllocateArray<float>(checked(content * manifest.ModelDimension), pinned: true);
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

    /// <summary>Per port the new rows [batch, content, heads, head size].</summary>
    public float[][] Present { get; }

    /// <summary>Memory of all of them, but for what is small beside it.</summary>
    public long Bytes => (Content[0].Length * MemoryBounds.ContentBytes(_manifest)) + (Targets[0].Length * MemoryBounds.TargetBytes(_manifest));

    /// <summary>Whether a run of this shape fits.</summary>
    public bool CanHold(CachedShape shape) =>
        shape.Batch * shape.Content <= Content[0].Length && shape.Batch * shape.Targets <= Targets[0].Length && shape.Batch * shape.Past <= PastRanks.Length;

    /// <summary>Larger buffers that hold what these do, and this shape.</summary>
    public CachedBuffers WithCapacityFor(CachedShape shape) => new(
        _manifest,
        Math.Max(checked(shape.Batch * shape.Content), Content[0].Length),
        Math.Max(checked(shape.Batch * shape.Targets), Targets[0].Length),
        Math.Max(checked(shape.Batch * shape.Past), PastRanks.Length));

    /// <summary>Writes the inputs of a run.</summary>
    public void Write(ReadOnlySpan<CachedRow> rows, CachedRun run)
    {
        CachedShape shape = run.Shape;
        if (rows.Length < shape.Batch)
        {
            for (int place = 0; place < shape.Batch; place++)
                WriteIdle(place, shape);
        }

        for (int i = 0; i < rows.Length; i++)
        {
            CachedRow row = rows[i];
            int place = run.PlaceOf(run.From + i, row.Slot);
            WriteContent(row, place * shape.Content, shape.Content);
            WriteTargets(row, place * shape.Targets, shape.Targets);
            WritePast(row, PastRanks.AsSpan(place * shape.Past, shape.Past));
        }
    }

    /// <summary>Tensors of a shape over these buffers and the cache.</summary>
    public BoundTensors Bind(OnnxGraph graph, CachedShape shape, IKeyValueCache cache)
    {
        int[] content = [shape.Batch, shape.Content], targets = [shape.Batch, shape.Targets];
        int[] rows = [.. content, _manifest.Heads, _manifest.HeadSize];
        int[] unseen = [shape.Batch, _manifest.Heads, shape.Past, _manifest.HeadSize];
        var inputs = new List<OrtValue>();
        inputs.AddRange(Content.Select(memory => BoundTensors.Over(memory, content)));
        inputs.AddRange(Targets.Select(memory => BoundTensors.Over(memory, targets)));
        inputs.Add(BoundTensors.Over(PastRanks, [shape.Batch, shape.Past]));
        for (int port = 0; port < Present.Length; port++)
            inputs.Add(shape.IsFresh ? BoundTensors.Over(_nothing, unseen) : cache.Tensor(port, shape.FirstSlot, shape.Batch));
        return new(
            graph, [.. inputs],
            [BoundTensors.Over(Logits, [.. targets, _manifest.VocabularySize]), .. Present.Select(memory => BoundTensors.Over(memory, rows))]);
    }

    private void WriteContent(CachedRow row, int start, int length)
    {
        SequenceState state = row.State;
        for (int i = 0; i < length; i++)
        {
            bool isPadding = i >= row.Content;
            int rank = isPadding ? 0 : row.First + i;
            int position = state.Order.Positions[rank];
            int horizon = Math.Max(state.Order.GivenCount, rank + 1); // given tokens see each other, others what was before and themselves
            WriteContent(start + i, state.Tokens[position], position, isPadding ? Unreachable : rank, horizon);
        }
    }

    private void WriteContent(int place, int token, int position, int rank, int horizon) =>
        (Content[0][place], Content[1][place], Content[2][place], Content[3][place]) = (token, position, rank, horizon);

    private void WriteTargets(CachedRow row, int start, int length)
    {
        ReadOnlySpan<Conditional> conditionals = row.State.Conditionals;
        for (int i = 0; i < length; i++)
        {
            Conditional asked = conditionals[i < conditionals.Length ? i : 0];
            Targets[0][start + i] = row.State.Order.Positions[asked.Rank];
            Targets[1][start + i] = asked.Horizon;
        }
    }

    private static void WritePast(CachedRow row, Span<long> past)
    {
        past.Fill(Unreachable);
        ReadOnlySpan<int> ranks = row.State.Order.Ranks;
        for (int position = 0; position < Math.Min(ranks.Length, past.Length); position++)
        {
            if (ranks[position] < row.First)
                past[position] = ranks[position];
        }
    }

    /// <summary>A slot that takes no part: its rows see whatever stands at its first position.</summary>
    private void WriteIdle(int place, CachedShape shape)
    {
        for (int i = 0; i < shape.Content; i++)
            WriteContent(place * shape.Content + i, _manifest.MaskId, 0, Unreachable, 1);
        Targets[0].AsSpan(place * shape.Targets, shape.Targets).Clear();
        Targets[1].AsSpan(place * shape.Targets, shape.Targets).Fill(1);
        Span<long> past = PastRanks.AsSpan(place * shape.Past, shape.Past);
        past.Fill(Unreachable);
        past[0] = 0;
    }

    private static T[] Pinned<T>(int length) => GC.AllocateUninitializedArray<T>(length, pinned: true);
}
