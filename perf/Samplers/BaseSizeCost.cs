using System.ComponentModel;
using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;

namespace AsArm.Perf.Samplers;

/// <summary>What forward passes of the base-size network cost.</summary>
internal static class BaseSizeCost
{
    public const int Positions = 512;

    private const int Rounds = 40;

    /// <summary>Measures; null, and a sentence on why, where the network cannot be had or the curve makes no sense.</summary>
    public static CostCurve? Measure()
    {
        try
        {
            using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(Exports.Base(Positions)));
            CostCurve curve = CostCurve.Measure(model, Positions, batch: 1, Rounds);
            return curve is { Fixed: > 0, ContentToken: > 0, QueryToken: > 0 }
                ? curve
                : throw new InvalidOperationException($"The fitted forward pass, {curve.Fixed:F1} + {curve.ContentToken:F2} content + {curve.QueryToken:F2} query ms, has a part below 0.");
        }
        catch (Exception error) when (error is InvalidOperationException or ModelFolderException or Win32Exception)
        {
            Console.WriteLine($"Base size is left out: {error.Message.ReplaceLineEndings(" ")}\n");
            return null;
        }
    }
}
