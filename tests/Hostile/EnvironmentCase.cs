using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Verification;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Hostile;

/// <summary>An application with sessions of its own, beside the library's; what ONNX Runtime logs goes to standard error.</summary>
internal static class EnvironmentCase
{
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
                Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 16 }, _ => TextInfiller.Open(folder, threads: 1).Dispose());
                Console.WriteLine("opened");
                return 0;
            default:
                return 2;
        }
    }

    /// <summary>The application's environment, which logs everything, is the library's too; its sessions log nothing.</summary>
    private static void Before(string folder)
    {
        var options = new EnvironmentCreationOptions { logId = "application", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING };
        OrtEnv environment = OrtEnv.CreateInstanceWithOptions(ref options);
        Use(folder);
        Console.WriteLine(ReferenceEquals(environment, OrtEnv.Instance()) && environment.EnvLogLevel == OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING ? "kept" : "changed");
    }

    /// <summary>An environment that the library made is as the application would have found it: its own sessions log their errors.</summary>
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

    /// <summary>What works and what fails.</summary>
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
