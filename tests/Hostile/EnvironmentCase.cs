using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Verification;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Hostile;

/// <summary>An application that uses ONNX Runtime itself besides the library. ONNX Runtime logs to standard error.</summary>
internal static class EnvironmentCase
{
    /// <summary>Runs a case by its name.</summary>
    public static int Run(string name, string folder)
    {
        switch (name)
        {
            case "before":
                Before(folder);
                return 0;
            case "after":
                After(folder);
                return 0;
            case "parallel":
                Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 16 }, _ => TextInfiller.Open(folder, new() { Threads = 1 }).Dispose());
                Console.WriteLine("opened");
                return 0;
            default:
                return 2;
        }
    }

    /// <summary>The application creates the environment, with logging. The library uses it, and its sessions log nothing.</summary>
    private static void Before(string folder)
    {
        var options = new EnvironmentCreationOptions { logId = "application", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING };
        OrtEnv environment = OrtEnv.CreateInstanceWithOptions(ref options);
        Use(folder);
        Console.WriteLine(ReferenceEquals(environment, OrtEnv.Instance()) && environment.EnvLogLevel == OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING ? "kept" : "changed");
    }

    /// <summary>The library creates the environment, with default settings. The application's own sessions log their errors.</summary>
    private static void After(string folder)
    {
        Use(folder);
        Console.WriteLine(OrtEnv.Instance().EnvLogLevel);
        Console.Error.WriteLine("application");
        using var session = new InferenceSession(Path.Combine(folder, "model.onnx"));
        using var ids = OrtValue.CreateTensorValueFromMemory(new long[] { 1_000_000 }, [1, 1]);
        try
        {
            using var options = new RunOptions();
            session.Run(options, ["input_ids", "order", "prompt_mask", "target_positions", "target_horizons"], [ids, ids, ids, ids, ids], ["logits"]).Dispose();
        }
        catch (OnnxRuntimeException)
        {
            Console.WriteLine("refused");
        }
    }

    /// <summary>Uses a model, and fails to open another.</summary>
    private static void Use(string folder)
    {
        using (OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(folder)))
            GoldenReplay.Run(model, Path.Combine(folder, "golden.safetensors"));
        string copy = Directory.CreateTempSubdirectory("asarm-hostile-").FullName;
        try
        {
            foreach (string file in Directory.GetFiles(folder))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            File.WriteAllBytes(Path.Combine(copy, "model.onnx"), File.ReadAllBytes(Path.Combine(copy, "model.onnx"))[..5000]);
            Manifest.Refresh(copy);
            OnnxModelLoader.Open(ModelFolder.Open(copy), useCache: false).Dispose();
        }
        catch (ModelFolderException)
        {
            Console.WriteLine("no model");
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }
}
