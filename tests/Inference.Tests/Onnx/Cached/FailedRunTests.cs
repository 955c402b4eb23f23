using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>A run that is cancelled may have overwritten keys and values in part. None of them count afterwards.</summary>
[TestClass]
public sealed class FailedRunTests
{
    /// <summary>
    /// Ranks 1 to 3 are cached; a run with other tokens there is cancelled after it has overwritten their positions; the first tokens come back. By their
    /// tokens alone they would be in the cache.
    /// </summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void Evaluate_AfterACancelledRun_EncodesTheTokensAgain(int format)
    {
        Assert.AreEqual(0, DifferenceAfterACancelledRun(format, _ => { }));
    }

    /// <summary>Control: if the slot still held the ranks for cached, the logits would be wrong.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void Evaluate_CancelledRunNotForgotten_Differs(int format) => Assert.IsGreaterThan(0.01f, DifferenceAfterACancelledRun(format, slot =>
    {
        Assert.AreEqual(1, slot.CachedCount);
        slot.MarkCached(1);
    }));

    private static float DifferenceAfterACancelledRun(int format, Action<CacheSlot> afterwards)
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(format));
        using var cancellation = new CancellationTokenSource();
        var cache = new InterruptingCache(HostKeyValueCache.Create(folder.Manifest), 2 * folder.Manifest.Layers, folder.Manifest.ModelDimension, cancellation);
        using CachedOnnxModel model = CachedOnnxModel.Open(folder, new ExecutionSettings(Device.Cpu), long.MaxValue, cache);
        using CachedOnnxModel undisturbed = CachedOnnxModel.Open(folder);
        SequenceState state = NewState(), expected = NewState();
        Evaluate(model, state, [20, 30, 40], queries: 1);
        Evaluate(undisturbed, expected, [20, 30, 40], queries: 1);
        cache.Interrupts = true;
        Assert.ThrowsExactly<OperationCanceledException>(() => Evaluate(model, state, [21, 31, 41], queries: 2, cancellation.Token));
        Assert.IsFalse(cache.Interrupts);
        SetTokens(state, [20, 30, 40]);
        afterwards(CachedModelFields.Slots(model).Find(state)!);
        Evaluate(model, state, [20, 30, 40, 50], queries: 1);
        Evaluate(undisturbed, expected, [20, 30, 40, 50], queries: 1);
        // Two parts sum cached keys and those of the run apart, so that bits are the same only if the same ranks are cached.
        float difference = CacheComparison.MaxDifference(expected.Logits.ToArray(), state.Logits.ToArray());
        return format < ModelManifest.InPlaceFormat && difference < 1e-5f ? 0 : difference;
    }

    private static void Evaluate(CachedOnnxModel model, SequenceState state, int[] tokens, int queries, CancellationToken cancellationToken = default)
    {
        SetTokens(state, tokens);
        state.BeginForwardPass(1 + tokens.Length);
        for (int i = 0; i < queries; i++)
            state.AddQuery(new Conditional(6, 1 + tokens.Length));
        model.Evaluate([state], cancellationToken);
    }

    private static void SetTokens(SequenceState state, int[] tokens)
    {
        for (int i = 0; i < tokens.Length; i++)
            state.SetToken(1 + i, tokens[i]);
    }

    private static SequenceState NewState() => new(Order.LeftToRight([true, .. new bool[6]]), [9, 0, 0, 0, 0, 0, 0], 64, 2);
}
