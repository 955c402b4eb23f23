using AsArm.Assd.Models;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Stateless;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>Compares the logits of two models over random histories.</summary>
internal static class CacheComparison
{
    /// <summary>Computes the default model as on GPUs; its int8 arithmetic on CPUs would amplify rounding differences between the graphs.</summary>
    public static ExecutionSettings Float32 { get; } = new(Device.Cpu, Float32: true);

    /// <summary>Over a random history: the largest difference of a logit between batches and sequences alone.</summary>
    /// <param name="together">Evaluates batches.</param>
    /// <param name="first">Its network, for sizes.</param>
    /// <param name="alone">Evaluates each sequence by itself.</param>
    /// <param name="passes">Number of forward passes.</param>
    /// <param name="maxLength">Largest length of a sequence.</param>
    public static float InABatch(IAnySubsetModel together, CachedOnnxModel first, IAnySubsetModel alone, int passes, int maxLength)
    {
        var history = new RandomHistory(first, seed: 5, maxLength);
        history.Ended += together.Release;
        history.Ended += alone.Release;
        float max = 0;
        for (int i = 0; i < passes; i++)
        {
            SequenceState[] batch = history.Next();
            together.Evaluate(batch, CancellationToken.None);
            float[][] logits = [.. batch.Select(state => state.Logits.ToArray())];
            for (int j = 0; j < batch.Length; j++)
            {
                alone.Evaluate([batch[j]], CancellationToken.None);
                max = Math.Max(max, MaxDifference(logits[j], batch[j].Logits.ToArray()));
            }
        }

        return max;
    }

    /// <summary>Over a random history: the largest difference of a logit between a cached graph and the stateless one of its folder.</summary>
    public static float WithStateless(CachedOnnxModel cached, ModelFolder folder, int passes, int maxLength, long seed, bool release)
    {
        using StatelessOnnxModel stateless = StatelessOnnxModel.Open(folder, Float32);
        var history = new RandomHistory(cached, seed, maxLength);
        if (release)
            history.Ended += cached.Release;
        float max = 0;
        for (int i = 0; i < passes; i++)
        {
            SequenceState[] batch = history.Next();
            cached.Evaluate(batch, CancellationToken.None);
            float[][] logits = [.. batch.Select(state => state.Logits.ToArray())];
            stateless.Evaluate(batch, CancellationToken.None);
            for (int j = 0; j < batch.Length; j++)
                max = Math.Max(max, MaxDifference(logits[j], batch[j].Logits.ToArray()));
        }

        return max;
    }

    /// <summary>The largest difference; infinity if there is a NaN.</summary>
    public static float MaxDifference(float[] logits, float[] others)
    {
        float max = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            float difference = Math.Abs(logits[i] - others[i]);
            max = float.IsNaN(difference) ? float.PositiveInfinity : Math.Max(max, difference);
        }

        return max;
    }
}
