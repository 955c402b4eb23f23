namespace AsArm.Inference.Tests.Support;

/// <summary>Files that the repository holds, copied beside the tests.</summary>
internal static class Files
{
    public static string Tiny => InModels("tiny");

    /// <summary>Random weights with a tokenizer, 128 tokens.</summary>
    public static string Text => Golden("text");

    /// <summary>The model that comes with the command.</summary>
    public static string Default => InModels("english-18m");

    public static string Micro => Golden("micro/onnx");

    /// <summary>The same small network as float16, int8 or int4.</summary>
    public static string InPrecision(string precision) => Golden("precision/" + precision);

    public static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "golden", name);

    private static string InModels(string name) => Path.Combine(AppContext.BaseDirectory, "models", name);
}
