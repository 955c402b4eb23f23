namespace AsArm.Inference.Tests.Support;

/// <summary>Paths of models and recorded data of the repository, which are copied to the output of the tests.</summary>
internal static class Files
{
    /// <summary>Random weights without a tokenizer, 64 tokens at most.</summary>
    public static string Tiny => InModels("tiny");

    /// <summary>The network of <see cref="Tiny" /> in a format of model folders: 3, which it has, or 1.</summary>
    public static string InFormat(int format) => format == 3 ? Tiny : Golden($"format-{format}");

    /// <summary>Random weights with a tokenizer, 128 tokens at most.</summary>
    public static string Text => Golden("text");

    /// <summary>The default model.</summary>
    public static string Default => InModels("english-18m");

    /// <summary>A network that is small enough for its joint distribution to be enumerated.</summary>
    public static string Micro => Golden("micro/onnx");

    /// <summary>One small network as float16, int8 or int4.</summary>
    public static string InPrecision(string precision) => Golden("precision/" + precision);

    public static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "golden", name);

    private static string InModels(string name) => Path.Combine(AppContext.BaseDirectory, "models", name);
}
