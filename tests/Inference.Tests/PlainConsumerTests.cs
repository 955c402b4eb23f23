using System.Runtime.InteropServices;
using System.Text.Json;
using AsArm.Inference.Tests.Support;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests;

/// <summary>
/// Tests that model.onnx can be used without AsArm, with ONNX Runtime and the input names of docs/model-format.md only. The golden files are
/// parsed here independently too.
/// </summary>
[TestClass]
public sealed class PlainConsumerTests
{
    private const float Tolerance = 1e-4f;
    private static readonly string[] s_inputs = ["input_ids", "order", "prompt_mask", "target_positions", "target_horizons"];

    public static IEnumerable<string> Folders => [Files.Tiny, Files.Micro];

    [TestMethod]
    [DynamicData(nameof(Folders))]
    public void Run_GoldenInputs_GivesGoldenLogits(string folder)
    {
        using var session = new InferenceSession(Path.Combine(folder, "model.onnx"));
        var goldens = new Goldens(Path.Combine(folder, "golden.safetensors"));
        Assert.IsNotEmpty(goldens.Cases);
        foreach (string name in goldens.Cases)
            Assert.IsLessThanOrEqualTo(Tolerance, Difference(session, goldens, name, s_inputs), name);
    }

    /// <summary>Control: swapped inputs are detected.</summary>
    [TestMethod]
    public void Run_SwappedInputs_GivesOtherLogits()
    {
        using var session = new InferenceSession(Path.Combine(Files.Tiny, "model.onnx"));
        var goldens = new Goldens(Path.Combine(Files.Tiny, "golden.safetensors"));
        string[] swapped = ["input_ids", "order", "prompt_mask", "target_horizons", "target_positions"];
        float max = goldens.Cases.Where(name => goldens.Read(name + ".target_horizons").Max() < goldens.Read(name + ".order").Length)
            .Max(name => Difference(session, goldens, name, swapped));
        Assert.IsGreaterThan(0.1f, max);
    }

    private static float Difference(InferenceSession session, Goldens goldens, string name, string[] sources)
    {
        var inputs = new List<OrtValue>();
        try
        {
            foreach (string source in sources)
            {
                long[] values = goldens.Read($"{name}.{source}");
                inputs.Add(OrtValue.CreateTensorValueFromMemory(values, [1, values.Length]));
            }

            using var options = new RunOptions();
            using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(options, s_inputs, inputs, ["logits"]);
            ReadOnlySpan<float> logits = outputs[0].GetTensorDataAsSpan<float>(), expected = MemoryMarshal.Cast<byte, float>(goldens.Bytes(name + ".logits"));
            Assert.AreEqual(expected.Length, logits.Length);
            float max = 0;
            for (int i = 0; i < logits.Length; i++)
                max = Math.Max(max, Math.Abs(logits[i] - expected[i]));
            return max;
        }
        finally
        {
            inputs.ForEach(input => input.Dispose());
        }
    }

    /// <summary>A safetensors file: eight bytes of header length, a JSON header, the data.</summary>
    private sealed class Goldens
    {
        private readonly byte[] _file;
        private readonly JsonElement _header;
        private readonly int _start;

        public Goldens(string path)
        {
            _file = File.ReadAllBytes(path);
            int length = (int)BitConverter.ToInt64(_file);
            _header = JsonDocument.Parse(_file.AsMemory(8, length)).RootElement;
            _start = 8 + length;
        }

        public string[] Cases => [.. _header.EnumerateObject().Where(entry => entry.Name.EndsWith(".logits", StringComparison.Ordinal)).Select(entry => entry.Name[..^7])];

        public long[] Read(string name) => MemoryMarshal.Cast<byte, long>(Bytes(name)).ToArray();

        public ReadOnlySpan<byte> Bytes(string name)
        {
            JsonElement offsets = _header.GetProperty(name).GetProperty("data_offsets");
            int begin = offsets[0].GetInt32(), end = offsets[1].GetInt32();
            return _file.AsSpan(_start + begin, end - begin);
        }
    }
}
