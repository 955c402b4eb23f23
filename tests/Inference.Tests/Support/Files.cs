namespace AsArm.Inference.Tests;

/// <summary>Files that the repository holds, copied beside the tests.</summary>
internal static class Files
{
    public static string Tiny => InModels("tiny");

    public static string Default => InModels("stories-en-6m");

    public static string Micro => Golden("micro/onnx");

    public static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "golden", name);

    private static string InModels(string name) => Path.Combine(AppContext.BaseDirectory, "models", name);
}
