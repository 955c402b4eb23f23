using System.Numerics.Tensors;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Tests.ModelFolders;
using AsArm.Inference.Tests.Onnx.DeviceMemory;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>The state of a query is the one that its logits are computed from: logits = state E^T + bias, with the embedding E of the checkpoint.</summary>
[TestClass]
public sealed class TargetStatesTests
{
    private const int V = 64, Width = 32; // of models/tiny
    private const string Prefix = "transformer.word_embedding.weight";

    /// <summary>Sequences of several lengths with several numbers of queries share passes, with slots and without, and shapes come again.</summary>
    [TestMethod]
    [DataRow(long.MaxValue, false)]
    [DataRow(0, false)]
    [DataRow(long.MaxValue, true)]
    [DataRow(0, true)]
    public void Evaluate_SequencesThatShareAPass_HaveTheStatesOfTheirLogits(long maxCacheBytes, bool onDevice)
    {
        using var folder = new TemporaryFolder(Files.Tiny);
        ManifestText.ReplaceFile(folder, ModelFolder.DraftHeadFile, HeadBytes.Write(RandomHead.Weights(V, Width)));
        ModelFolder opened = ModelFolder.Open(folder.Path);
        using var memory = new SeparateMemory();
        SeparateMemory? device = onDevice ? memory : null;
        using CachedOnnxModel model = CachedOnnxModel.Open(
            opened, new ExecutionSettings(Device.Cpu, Float32: true), maxCacheBytes, CachedOnnxModel.CreateCache(opened.Manifest, device), memory: device);
        Safetensors checkpoint = Safetensors.Open(Files.Golden("tiny/model.safetensors"));
        float[] embedding = checkpoint.Read<float>(Prefix), bias = checkpoint.Read<float>("lm_loss.bias");
        var random = new SplitMix64(5);
        SequenceState[] states = [.. Enumerable.Range(0, 5).Select(i => NewSequence(random, 10 + (9 * i), i == 3 ? 0 : Width))];
        for (int pass = 0; pass < 12; pass++)
        {
            SequenceState[] chosen = [.. states.Where(_ => random.NextDouble() < 0.7)];
            if (chosen.Length == 0)
                continue;
            foreach (SequenceState state in chosen)
                Ask(random, state);
            model.Evaluate(chosen, default);
            foreach (SequenceState state in chosen.Where(state => state.StateSize > 0))
                AssertStatesGiveTheLogits(state, embedding, bias);
        }
    }

    /// <summary>
    /// The states of a float16 folder are float16 numbers. They are near those that the same network has in int8, with its
    /// rounding of rows; those of another query are not.
    /// </summary>
    [TestMethod]
    public void Evaluate_Float16_HasTheStatesOfTheNetwork()
    {
        using TemporaryFolder half = WithHead("float16"), integers = WithHead("int8");
        using CachedOnnxModel first = CachedOnnxModel.Open(ModelFolder.Open(half.Path), new ExecutionSettings(Device.Cpu));
        using CachedOnnxModel second = CachedOnnxModel.Open(ModelFolder.Open(integers.Path), new ExecutionSettings(Device.Cpu));
        SequenceState[] Sequences()
        {
            var random = new SplitMix64(8);
            SequenceState[] states = [.. Enumerable.Range(0, 3).Select(i => NewSequence(random, 8 + (4 * i), first.StateSize, first.VocabularySize))];
            foreach (SequenceState state in states)
                Ask(random, state);
            return states;
        }

        SequenceState[] one = Sequences(), other = Sequences();
        first.Evaluate(one, default);
        second.Evaluate(other, default);
        float[] found = [.. one.SelectMany(state => state.States.ToArray())], expected = [.. other.SelectMany(state => state.States.ToArray())];
        double difference = Distance(found, expected), shifted = Distance([.. found[first.StateSize..], .. found[..first.StateSize]], expected);
        Assert.IsLessThan(0.1, difference);
        Assert.IsGreaterThan(3 * difference, shifted, "States of other queries must not be as near.");
    }

    /// <summary>|a - b| / |b|.</summary>
    private static double Distance(float[] a, float[] b) => TensorPrimitives.Distance<float>(a, b) / TensorPrimitives.Norm<float>(b);

    private static TemporaryFolder WithHead(string precision)
    {
        var folder = new TemporaryFolder(Files.InPrecision(precision));
        ModelManifest manifest = ModelFolder.Open(folder.Path).Manifest;
        ManifestText.ReplaceFile(folder, ModelFolder.DraftHeadFile, HeadBytes.Write(RandomHead.Weights(manifest.VocabularySize, manifest.ModelDimension)));
        return folder;
    }

    private static SequenceState NewSequence(SplitMix64 random, int length, int stateSize, int vocabularySize = V)
    {
        bool[] given = [true, .. random.NextGiven(length - 1, 0.5)];
        given[^1] = false;
        return new SequenceState(Order.LeftToRight(given), random.NextTokens(length, vocabularySize), vocabularySize, 4, stateSize);
    }

    private static void Ask(SplitMix64 random, SequenceState state)
    {
        int known = random.Next(state.Order.GivenCount, state.Order.Length - 1);
        for (int rank = state.Order.GivenCount; rank < known; rank++)
            state.SetToken(rank, random.Next(state.VocabularySize));
        state.BeginForwardPass(known);
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int rank = random.Next(known, state.Order.Length - 1);
            state.AddQuery(new(rank, random.Next(state.Order.GivenCount, known)));
        }
    }

    private static void AssertStatesGiveTheLogits(SequenceState state, float[] embedding, float[] bias)
    {
        for (int row = 0; row < state.Conditionals.Length; row++)
        {
            for (int token = 0; token < V; token++)
            {
                double logit = bias[token];
                for (int i = 0; i < Width; i++)
                    logit += (double)state.StateRow(row)[i] * embedding[(token * Width) + i];
                Assert.AreEqual(logit, state.Row(row)[token], 1e-4);
            }
        }
    }
}
